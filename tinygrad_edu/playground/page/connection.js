// The socket to Python. When the program has ended it is asked again once a second, until it is there.

export class Connection {
  constructor({ onOpen, onMessage, onFrame, onLost }) {
    this.handlers = { onOpen, onMessage, onFrame, onLost };
    this.lost = false;
    this.connect();
  }

  connect() {
    this.socket = new WebSocket(`ws://${location.host}/socket`);
    this.socket.binaryType = "arraybuffer";
    this.socket.addEventListener("open", () => {
      this.handlers.onOpen(this.lost);
      this.lost = false;
    });
    this.socket.addEventListener("message", ({ data }) => {
      if (typeof data === "string") this.handlers.onMessage(JSON.parse(data));
      else this.handlers.onFrame(data);
    });
    this.socket.addEventListener("close", ({ reason }) => {
      this.lost = true;
      this.handlers.onLost(reason);
      setTimeout(() => this.connect(), 1000);
    });
  }

  send(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  sendBytes(bytes) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(bytes);
  }
}
