"""Programs: what does the graph look like as code?

A recorded graph is a list of operations, and so is the way back through it. `Program` writes both down as
lines of plain NumPy: the backpropagation that one would derive by hand, to be read, run and saved. What is
printed is what runs, and it is equal to the last bit to what the graph computes. What cannot be written
down so that it is right for other numbers as well is refused, with the line that did it.
"""

from tinygrad_edu.program.program import Program, program_of
from tinygrad_edu.program.traced import ProgramError

__all__ = ["Program", "ProgramError", "program_of"]
