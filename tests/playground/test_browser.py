"""The page in a real browser, used as a person would: by clicks, keys and a pen."""

import re
from pathlib import Path

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("websockets")

from tests.drawing.chromium import PROGRAM  # noqa: E402
from tests.playground.server import Playground  # noqa: E402
from tinygrad_edu.playground import Lesson, read_link  # noqa: E402

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium here")
expect = sync_api.expect
expect.set_options(timeout=60_000)  # on a busy machine; nothing waits longer than it must

PICTURES = Path(__file__).parents[2] / "docs" / "handwriting"
FEATURES = ("X₁²", "X₂²", "X₁X₂", "sin X₁", "sin X₂")


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=PROGRAM,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--disable-background-networking",
            ],
        )
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def playground(tmp_path_factory):
    with Playground(
        0, "--model", str(tmp_path_factory.mktemp("model") / "m.safetensors")
    ) as running:
        yield running


@pytest.fixture
def page(browser, playground):
    """A page of which every complaint, and every request beyond this computer, is a failure."""
    opened = browser.new_page(viewport={"width": 1366, "height": 768})
    complaints, requests = [], []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda request: requests.append(request.url))
    opened.set_default_timeout(60_000)
    visit(opened, playground)
    yield opened
    opened.close()
    assert complaints == []
    assert [
        u
        for u in requests
        if not u.startswith((playground.url, "data:", "blob:", "ws://127.0.0.1"))
    ] == []


def visit(page, playground, link=""):
    page.goto("about:blank")
    page.goto(playground.url + link)
    expect(page.locator("#neurons button").first).to_be_visible()
    expect(status(page)).to_contain_text("test loss")


def status(page):
    return page.get_by_role("status")


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def numbers(page):
    """Return epoch, training loss and test loss, as they stand in the page."""
    text = status(page).inner_text()
    found = re.search(r"epoch (\d+).*training loss (\d+\.\d+), test loss (\d+\.\d+)", text)
    assert found, text
    return int(found[1]), float(found[2]), float(found[3])


def learn_until(page, loss, seconds):
    """Play until the test loss is below a bound; fail if that takes too long."""
    button(page, "Play").click()
    for _ in range(2 * seconds):
        if numbers(page)[2] < loss:
            break
        page.wait_for_timeout(500)
    button(page, "Pause").click()
    page.wait_for_timeout(1500)  # a frame may have been on its way
    assert numbers(page)[2] < loss, status(page).inner_text()


def setting(page, key):
    return read_link(page.url.partition("#")[2]).settings.texts()[key]


def expect_setting(page, key, value):
    page.wait_for_url(lambda url: read_link(url.partition("#")[2]).settings.texts()[key] == value)


def test_it_opens_with_names_for_everything_and_a_favicon(page):
    for name in ("Play", "Pause", "Step", "Reset"):
        expect(button(page, name)).to_have_count(1)
    for name in ("Shapes", "Digits"):
        expect(page.get_by_role("tab", name=name, exact=True)).to_have_count(1)
    assert page.locator("link[rel=icon]").get_attribute("href").startswith("data:")
    expect(status(page)).to_have_count(1)
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, input, select')]
        .filter((e) => !(e.labels?.length || e.textContent.trim() || e.getAttribute('aria-label')))
        .map((e) => e.outerHTML)"""
    )
    assert nameless == []


def test_it_learns_the_circle_by_clicks(page):
    learn_until(page, 0.02, 120)
    at_rest = numbers(page)
    page.wait_for_timeout(500)
    assert numbers(page) == at_rest


def test_the_page_and_python_have_the_same_losses(page):
    run = Lesson(read_link(page.url.partition("#")[2]).settings)
    for epoch in range(1, 4):
        button(page, "Step").click()
        expect(status(page)).to_contain_text(f"epoch {epoch},")
        run.learn_epoch()
    assert numbers(page) == (3, *(round(loss, 4) for loss in run.losses()))
    button(page, "One batch").click()
    expect(status(page)).to_contain_text("30 points into the next")
    button(page, "Reset").click()
    expect(status(page)).to_contain_text("epoch 0,")


@pytest.mark.parametrize(
    ("label", "choice", "key", "value"),
    [
        ("Learning rate", "0.3", "learningRate", "0.3"),
        ("Activation", "ReLU", "activation", "relu"),
        ("Optimizer", "Adam", "optimizer", "adam"),
        ("Regularization", "L1", "regularization", "L1"),
        ("Regularization rate", "0.01", "regularizationRate", "0.01"),
        ("Problem", "regression", "problem", "regression"),
        ("Activation of layer 2", "sigmoid", "activations", "tanh,sigmoid"),
        ("Dropout of layer 1", "0.2", "dropout", "0.2,0"),
    ],
)
def test_a_choice_arrives_in_the_link(page, label, choice, key, value):
    page.get_by_label(label, exact=True).select_option(label=choice)
    expect_setting(page, key, value)


def test_every_other_control_arrives_in_the_link(page):
    for name in ("xor", "gauss", "spiral", "3 clouds", "wheel", "circle"):
        page.get_by_role("radio", name=name, exact=True).check()
        expect_setting(page, "dataset", {"3 clouds": "three"}.get(name, name))
    for label, key in (
        ("Show test points", "showTestData"), ("Only yes or no (discretize)", "discretize"),
        ("Compare three optimizers", "compare"), ("sin X₁", "sinX"),
    ):  # fmt: skip
        page.get_by_label(label, exact=True).check()
        expect_setting(page, key, "true")
    for label, key, presses in (
        ("Noise", "noise", "5"), ("Share for training", "percTrainData", "60"),
        ("Number of points", "points", "550"), ("Batch size", "batchSize", "31"),
    ):  # fmt: skip
        page.get_by_label(label, exact=True).focus()
        page.keyboard.press("ArrowRight")
        expect_setting(page, key, presses)
    button(page, "Add a hidden layer").click()
    expect_setting(page, "networkShape", "4,2,2")
    button(page, "One neuron more in layer 3").click()
    expect_setting(page, "networkShape", "4,2,3")
    expect(button(page, "One neuron more in layer 3")).to_be_focused()
    button(page, "Remove a hidden layer").click()
    expect_setting(page, "networkShape", "4,2")
    seed = setting(page, "seed")
    button(page, "Regenerate").click()
    page.wait_for_url(lambda url: read_link(url.partition("#")[2]).settings.seed != seed)
    button(page, "Fast").click()
    expect(button(page, "Fast")).to_have_attribute("aria-pressed", "true")


def test_a_link_opens_the_same_run_again_and_hides_what_a_teacher_hides(page, playground):
    hidden = "&noise_hide=true&playButton_hide=true"
    visit(page, playground, f"#dataset=xor&networkShape=3&seed=0.7&noise=10{hidden}")
    expect(page.get_by_label("Noise", exact=True)).to_be_hidden()
    expect(button(page, "Play")).to_be_hidden()
    expect(button(page, "Step")).to_be_visible()
    button(page, "Step").click()
    expect(status(page)).to_contain_text("epoch 1,")
    first, link = numbers(page), page.url.partition("#")[2]
    page.reload()
    expect(status(page)).to_contain_text("epoch 0,")
    assert page.url.partition("#")[2] == link
    expect(button(page, "Play")).to_be_hidden()
    button(page, "Step").click()
    expect(status(page)).to_contain_text("epoch 1,")
    assert numbers(page) == first


def test_a_weight_edited_by_hand_arrives_in_python(page):
    before = numbers(page)
    button(page, "neuron 1 of layer 1").click()
    page.get_by_label("from input X₁", exact=True).fill("3")
    page.keyboard.press("Enter")
    run = Lesson(read_link(page.url.partition("#")[2]).settings)
    weight = run.dense_layers()[0].weight
    changed = weight.numpy()
    changed[0, 0] = 3
    weight.data = changed
    expect(status(page)).to_contain_text(f"training loss {run.losses()[0]:.4f}")
    assert numbers(page) != before


def test_whose_fault_is_told_and_the_paths_are_lit(page):
    button(page, "neuron 2 of layer 1").click()
    fault = page.locator("#fault")
    expect(fault).to_contain_text("Its gradient on the next 30 points is")
    expect(fault.get_by_role("listitem")).to_have_count(2)
    lit = page.locator("#neurons .lit")
    expect(lit).to_have_count(4)
    fault.get_by_role("button", name=re.compile("^loss → output 1")).first.click()
    expect(lit).to_have_count(3)
    button(page, "Whose fault? from input X₂").click()
    expect(fault).to_contain_text("this weight were")


def test_a_link_of_the_network_can_be_clicked(page):
    box = page.locator("#network").bounding_box()
    first = button(page, "input X₁").bounding_box()
    second = button(page, "neuron 1 of layer 1").bounding_box()
    x = (first["x"] + first["width"] + second["x"]) / 2
    page.mouse.move(x, first["y"] + first["height"] / 2)
    expect(page.locator("#tip")).to_contain_text("weight ")
    page.mouse.click(x, first["y"] + first["height"] / 2)
    expect(page.locator("#fault")).to_contain_text("this weight")
    assert box["width"] > 300


def test_slow_motion_takes_one_step_and_ends(page):
    page.get_by_label("Speed").fill("12")
    button(page, "Play one batch slowly").click()
    text = page.locator("#slow-text")
    expect(text).to_contain_text("Forward: layer 1")
    expect(text).to_contain_text("Back: the blame")
    expect(text).to_contain_text("Done")
    expect(status(page)).to_contain_text("30 points into the next")


def test_points_of_ones_own_by_click_by_key_and_from_a_table(page):
    page.get_by_text("My own points").click()
    button(page, "blue").click()
    page.locator("#plane").click(position={"x": 50, "y": 50})
    expect_setting(page, "dataset", "own")
    button(page, "orange").click()
    page.get_by_label("across").fill("2")
    button(page, "Add").click()
    page.wait_for_url(lambda url: len(read_link(url.partition("#")[2]).settings.own) == 2)
    assert setting(page, "own").endswith("2,0,0")
    button(page, "Take one back").click()
    page.wait_for_url(lambda url: len(read_link(url.partition("#")[2]).settings.own) == 1)
    table = {"name": "t.csv", "mimeType": "text/csv", "buffer": b"x,y,c\n1,1,a\n2,2,b\n3,3,c\n"}
    page.get_by_label(re.compile("table")).set_input_files(table)
    expect_setting(page, "own", "1,1,0;2,2,1;3,3,2")
    wrong = {"name": "t.csv", "mimeType": "text/csv", "buffer": b"1,1,a\n1,b,c\n"}
    page.get_by_label(re.compile("table")).set_input_files(wrong)
    expect(page.get_by_role("alert")).to_contain_text("line 2")


def test_nan_is_explained(page, playground):
    visit(page, playground, "#problem=regression&activation=relu&learningRate=10&xSquared=true")
    button(page, "Play").click()
    expect(page.get_by_role("alert")).to_contain_text("smaller learning rate, for example 1")
    expect(status(page)).to_contain_text("not a number")


def test_the_program_is_saved(page):
    button(page, "Step").click()
    with page.expect_download() as download:
        button(page, "Save as a Python program").click()
    text = download.value.path().read_text(encoding="utf-8")
    assert "for epoch in range(1):" in text
    compile(text, "run", "exec")


def test_one_step_is_saved_as_plain_numpy(page):
    with page.expect_download() as download:
        button(page, "Save one step as plain NumPy").click()
    text = download.value.path().read_text(encoding="utf-8")
    assert "def backward(weights, kept):" in text
    compile(text, "step", "exec")


def test_the_graph_is_drawn_and_tabs_go_by_arrow_keys(page):
    page.get_by_role("tab", name="Shapes").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("tab", name="Graph")).to_be_focused()
    expect(page.get_by_role("img", name=re.compile("computation graph"))).to_be_visible()
    with page.expect_download() as download:
        button(page, "Save as a page that plays").click()
    assert download.value.path().read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_two_pages_learn_each_for_itself(page, browser, playground):
    other = browser.new_page()
    visit(other, playground, "#dataset=gauss")
    button(page, "Step").click()
    expect(status(page)).to_contain_text("epoch 1,")
    expect(status(other)).to_contain_text("epoch 0,")
    other.close()


@pytest.mark.parametrize("width", [360, 1024, 1920])
def test_nothing_is_wider_than_the_screen(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    for name in ("Shapes", "Digits", "Graph"):
        page.get_by_role("tab", name=name).click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_nothing_jumps_while_it_learns(page):
    place = """() => ['network', 'plane', 'chart', 'layers', 'fault-title'].map((id) =>
        document.getElementById(id).getBoundingClientRect().top)"""
    before = page.evaluate(place)
    button(page, "Play").click()
    page.wait_for_timeout(1500)
    assert page.evaluate(place) == before


def test_killed_and_started_again_the_page_says_so_and_connects(browser):
    playground = Playground()
    page = browser.new_page()
    visit(page, playground, "#dataset=xor")
    button(page, "Step").click()
    expect(status(page)).to_contain_text("epoch 1,")
    playground.process.kill()
    playground.process.communicate()
    expect(page.get_by_role("alert")).to_contain_text("has ended")
    with Playground(playground.port):
        expect(page.get_by_role("alert")).to_contain_text("Connected again")
        expect(status(page)).to_contain_text("epoch 0,")
        button(page, "Step").click()
        expect(status(page)).to_contain_text("epoch 1,")
        page.close()


# ------------------------------------------------------------------------------------------------
# Digits
# ------------------------------------------------------------------------------------------------


def draw(page, *points):
    box = page.locator("#paper").bounding_box()
    places = [(box["x"] + x, box["y"] + y) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def test_a_drawn_one_and_zero_are_read_and_what_is_asked_is_shown(page):
    page.get_by_role("tab", name="Digits").click()
    expect(page.locator("#reader-note")).to_contain_text("Ready", timeout=180_000)
    answer = page.locator("#answer")
    draw(page, (140, 40), (140, 240))
    expect(answer).to_contain_text("A 1,")
    expect(page.locator("#way figure")).to_have_count(5)
    button(page, "Clear").click()
    expect(answer).to_have_text("Nothing yet.")
    draw(page, (140, 40), (195, 90), (195, 190), (140, 240), (85, 190), (85, 90), (140, 40))
    expect(answer).to_contain_text("A 0,")
    page.get_by_role("button", name=re.compile("^7")).click()
    expect(page.get_by_role("heading", name="What made it say 7?")).to_be_visible()
    page.get_by_label("Remove neurons", exact=True).fill("100")
    expect(page.locator("#damage")).to_contain_text("With only 0 neurons left")
    button(page, "Undo").click()
    expect(answer).to_have_text("Nothing yet.")
    page.locator("#paper").focus()  # the same by keys: a stroke downward
    for key in ["ArrowUp"] * 16 + [" "] + ["ArrowDown"] * 32 + [" "]:
        page.keyboard.press(key)
    expect(answer).to_contain_text("A 1,")
    button(page, "Clear").click()
    picture = page.get_by_label(re.compile("picture of one digit"))
    picture.set_input_files(PICTURES / "9_thick_marker.png")
    expect(answer).to_contain_text("sure")
    expect(page.locator("#way-notes")).not_to_be_empty()
    picture.set_input_files(PICTURES.parent / "house.py")
    expect(page.get_by_role("alert")).to_contain_text("no picture")


@pytest.mark.slow
def test_it_learns_the_spiral_by_clicks(page):
    page.get_by_role("radio", name="spiral").check()
    for feature in FEATURES:
        page.get_by_label(feature, exact=True).check()
    for layer, times in ((1, 4), (2, 6)):
        for _ in range(times):
            button(page, f"One neuron more in layer {layer}").click()
    expect_setting(page, "networkShape", "8,8")
    button(page, "Fast").click()
    learn_until(page, 0.1, 120)
