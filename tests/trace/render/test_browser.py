"""The page in a real browser: mouse, keyboard, edits, languages; and that it keeps to itself."""

import json
import shutil

import numpy as np
import pytest

import backlit as bl
from backlit.trace import notations
from backlit.trace.examples import EXAMPLES, example

pytest.importorskip("selenium", reason="Selenium is not installed")
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

DRIVER = shutil.which("chromedriver")
pytestmark = [
    pytest.mark.skipif(not DRIVER or not shutil.which("chromium"), reason="no chromium with its chromedriver here"),
    pytest.mark.filterwarnings("ignore"),  # Selenium's own
]


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--window-size=1280,1000",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def show(browser, tmp_path):
    """Opens a trace's page at a width; afterwards nothing was asked of the network and nothing complained."""

    def call(t, width=1280, **options):
        path = tmp_path / "pass.html"
        t.to_html(path, force=True, **options)
        browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False},
        )
        browser.get_log("browser"), browser.get_log("performance")
        browser.get(path.as_uri())
        return browser

    yield call
    assert browser.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert all(url.startswith(("file:///", "data:")) for url in asked), asked


def panel(browser):
    return browser.find_element(By.ID, "explanation").text


def node(browser, l, j):
    return browser.find_element(By.CSS_SELECTOR, f'[data-node="{l}:{j}"]')


def set_to(browser, value):
    field = browser.find_element(By.ID, "edit")
    browser.execute_script(
        "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('change'))", field, repr(value)
    )


def pick(browser, field, value):
    script = (
        "const s = document.getElementById(arguments[0]); s.value = arguments[1]; s.dispatchEvent(new Event('change'))"
    )
    browser.execute_script(script, field, value)


def test_neurons_and_weights_answer_to_the_mouse(show):
    t = example("mazur").trace()
    browser = show(t)
    assert "BP4" in panel(browser)  # the steepest weight, when the page opens
    ActionChains(browser).move_to_element(node(browser, 3, 0)).perform()
    assert "feed forward: activation" in panel(browser)
    assert "0.751365" in panel(browser)
    ActionChains(browser).move_to_element(browser.find_element(By.TAG_NAME, "h1")).perform()
    assert "BP4" in panel(browser)  # pointing shows, choosing holds
    node(browser, 2, 1).click()
    ActionChains(browser).move_to_element(browser.find_element(By.TAG_NAME, "h1")).perform()
    assert "0.596884" in panel(browser)
    reach = browser.find_element(By.CSS_SELECTOR, '.reach[data-at="weight:3:1:0:"]')
    x = float(reach.get_attribute("x1")), float(reach.get_attribute("x2"))
    assert x[0] < x[1]
    browser.execute_script("arguments[0].dispatchEvent(new MouseEvent('click', {bubbles: true}))", reach)
    assert "−0.0226025" in panel(browser)
    lit = {edge.get_attribute("data-at") for edge in browser.find_elements(By.CSS_SELECTOR, ".edge.lit")}
    assert lit == {"weight:3:1:0:"}


def test_the_paths_of_a_weight_are_lit(show):
    browser = show(example("3-3-3").trace())
    browser.execute_script("choose('weight:2:1:0:')")
    lit = {edge.get_attribute("data-at") for edge in browser.find_elements(By.CSS_SELECTOR, ".edge.lit")}
    assert "weight:2:1:0:" in lit
    assert lit <= {"weight:2:1:0:", *(f"weight:3:{p}:1:" for p in range(3))}
    assert "Paths to the cost: 3" in panel(browser)


def test_everything_is_reached_by_keyboard(show):
    browser = show(example("2-3-1").trace())
    stop = browser.find_element(By.CSS_SELECTOR, '#network [tabindex="0"]')
    browser.execute_script("arguments[0].focus()", stop)
    where = lambda: browser.switch_to.active_element  # noqa: E731
    assert where().get_attribute("data-node") == "1:0"
    keys = lambda *k: ActionChains(browser).send_keys(*k).perform()  # noqa: E731
    keys(Keys.ARROW_RIGHT)
    assert where().get_attribute("data-node") == "2:0"
    keys(Keys.ARROW_DOWN)
    assert where().get_attribute("data-node") == "2:1"
    assert "layer 2" in panel(browser)
    assert "neuron 1" in where().get_attribute("aria-label")
    keys("w")
    assert where().get_attribute("data-at") == "weight:2:1:0:"
    keys(Keys.ARROW_DOWN)
    assert where().get_attribute("data-at") == "weight:2:1:1:"
    keys(Keys.ENTER)
    assert "BP4" in panel(browser)
    keys(Keys.ESCAPE)
    assert where().get_attribute("data-node") == "2:1"
    grid = browser.find_element(By.CSS_SELECTOR, ".grid button[tabindex='0']")
    browser.execute_script("arguments[0].focus()", grid)
    keys(Keys.ARROW_RIGHT)
    assert where().get_attribute("data-at") == "weight:2:0:1:"
    keys(Keys.ENTER)
    assert browser.execute_script("return backlit.state.selected") == "weight:2:0:1:"


def test_a_reader_can_walk_from_the_cost_to_a_weight_by_links(show):
    browser = show(example("2-3-1").trace())
    browser.find_element(By.ID, "cost").click()
    for wanted in ("a:3:0::0", "z:3:0::0", "a:2:1::0", "z:2:1::0", "W:2:1:0:"):
        browser.find_element(By.CSS_SELECTOR, f'#explanation [data-at="{wanted}"]').click()
        assert browser.execute_script("return backlit.state.selected") == wanted
    assert browser.find_element(By.ID, "value").text == "0.2"


def test_an_edit_changes_the_cost_as_python_says(show):
    t = example("mazur").trace()
    browser = show(t)
    net = t.network.copy()
    browser.execute_script("choose('W:3:1:0:')")
    set_to(browser, 0.9)
    net.layer(3).W[1, 0] = 0.9
    browser.execute_script("choose('x::0::0'.replace('::0::0', ':::1:0'))")
    set_to(browser, -0.3)
    browser.execute_script("choose('y::0::0')")
    set_to(browser, 0.25)
    again = bl.trace(net, [0.05, -0.3], [0.25, 0.99], cost="quadratic")
    assert_page_is(browser, again)
    assert "recomputed in this page" in browser.find_element(By.ID, "notes").text
    browser.find_element(By.ID, "reset").click()
    assert_page_is(browser, t)


def test_a_step_is_gradient_descent(show):
    t = example("three-layers").trace(learning_rate=0.7)
    browser = show(t)
    browser.find_element(By.ID, "step").click()
    after = t.network.copy()
    after.parameters[:] += t.steps[0].update
    assert_page_is(browser, bl.trace(after, t.X, t.Y, cost="binary-cross-entropy", l2=3.0))
    assert browser.execute_script("return backlit.state.pass.cost.total") == pytest.approx(
        t.steps[0].cost_after, abs=1e-12
    )


def assert_page_is(browser, t):
    """Every number the page holds, against Python's, to 1e-12."""
    held = browser.execute_script("return backlit.state.pass")
    for l in range(1, t.L + 1):
        quantities = ("a", "dC_da") if l == 1 else ("z", "a", "dC_da", "delta", "weight_gradient", "bias_gradient")
        for quantity in quantities:
            assert np.allclose(held[quantity][str(l)], getattr(t, quantity)(l), rtol=0, atol=1e-12), (quantity, l)
    assert np.allclose(held["row_costs"], t.row_costs, rtol=0, atol=1e-12)
    assert held["cost"]["total"] == pytest.approx(t.cost.total, abs=1e-12)


@pytest.mark.parametrize(
    "activation", ["identity", "sigmoid", "tanh", "relu", "leaky-relu", "elu", "gelu", "silu", "softplus"]
)
def test_every_activation_is_recomputed_to_1e_12(show, activation):
    outputs = [("softmax", None), ("sigmoid", None), ("identity", "huber"), ("softmax", "mse"), ("tanh", "quadratic")]
    output, cost = outputs[len(activation) % 5]
    rng = np.random.default_rng(len(activation))
    net = bl.Network([3, 4, 3], activation=activation, output=output, initializer="gaussian", seed=2, dtype="float64")
    Y = np.eye(3)[[0, 2]]
    t = bl.trace(net, 2 * rng.normal(size=(2, 3)), Y, cost=cost, l2=0.3, sample_weight=[1, 3])
    browser = show(t)
    browser.execute_script("edit('W:2:0:0:', arguments[0])", 0.4)
    net.layer(2).W[0, 0] = 0.4
    assert_page_is(browser, bl.trace(net, t.X, Y, cost=cost, l2=0.3, sample_weight=[1, 3]))


def test_counts_and_saturation_are_recomputed(show):
    net = bl.Network([2, 3, 2], activation="tanh", output="exponential", dtype="float64", seed=1)
    t = bl.trace(net, [0.5, 2.0], [3.0, 0.0])
    browser = show(t)
    browser.execute_script("edit('b:3:0::', 1.5)")
    net.layer(3).b[0] = 1.5
    assert_page_is(browser, bl.trace(net, [0.5, 2.0], [3.0, 0.0]))


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name != "digits"])
def test_the_page_explains_in_the_words_of_python(show, name):
    """The page's own reader of formulas and Python's write the same text, in every notation."""
    t = example(name).trace(optimizer=None, learning_rate=None)
    browser = show(t)
    compared = 0
    for notation in notations.NOTATIONS:
        pick(browser, "notation", notation)
        for at in some(t):
            key = in_page(at)
            theirs = browser.execute_script("return backlit.explain(arguments[0], 6)", key)
            ours = t.explain(at.quantity, at.layer, at.j, at.k, row=at.row, notation=notation)
            paper = ours.paper()
            assert theirs["sign"] == ours.sign(paper)
            lines = [
                [line.sign(paper), line.symbols(paper), line.numbers(paper), paper.figure(line.value)]
                for line in ours.lines
            ]
            assert theirs["lines"] == lines
            factors = [[f.sign, paper.figure(f.value)] for f in ours.factors]
            assert theirs["factors"] == (factors if len(factors) > 1 else [])
            made = browser.execute_script("return madeFrom(arguments[0])", key)
            leads = browser.execute_script("return leadsTo(arguments[0])", key)
            assert set(made) == {in_page(other) for other in ours.made_from}
            assert set(leads) == {in_page(other) for other in ours.leads_to}
            compared += 1
    assert compared > 40


def in_page(at):
    return ":".join("" if p is None else str(p) for p in (at.quantity, at.layer, at.j, at.k, at.row))


def some(t):
    row = t.rows - 1
    yield t.address("cost")
    yield t.address("row_cost", row=row)
    for l in range(2, t.L + 1):
        j = t.network.sizes[l - 1] - 1
        yield from (t.address(q, l, j, row=row) for q in ("z", "a", "dC_da", "delta"))
        if l in t._slopes:
            yield t.address("slope", l, j, row=row)
        yield t.address("weight", l, j, k=0)
        yield t.address("bias", l, j)
        if t.rows > 1:
            yield t.address("weight", l, j, k=0, row=row)


def test_language_direction_and_row_can_be_changed(show):
    browser = show(example("three-layers").trace(), lang="zh")
    assert "前向" in browser.find_element(By.TAG_NAME, "header").text
    assert browser.execute_script("return document.documentElement.lang") == "zh-Hans"
    pick(browser, "lang", "en")
    assert "Forward" in browser.find_element(By.TAG_NAME, "header").text
    before = node(browser, 1, 0).text
    pick(browser, "row", "2")
    assert node(browser, 1, 0).text != before
    browser.find_element(By.CSS_SELECTOR, '[data-view="backward"]').click()
    assert "∂" in node(browser, 1, 0).get_attribute("aria-label")


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("name", ["2-3-1", "digits"])
def test_nothing_sticks_out_at_the_side(show, name, width):
    browser = show(example(name).trace(), width=width)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width


def test_a_network_too_large_is_shown_by_its_largest_parts(show):
    net = bl.Network([784, 40, 10], output="softmax", activation="tanh", seed=0)
    t = bl.trace(net, np.random.default_rng(0).random(784), 3)
    browser = show(t)
    assert "31,760 weights" in browser.find_element(By.ID, "notes").text
    first = browser.execute_script("return DATA.neurons[2][0]")
    assert len(browser.execute_script("return DATA.neurons[1]")) == 24
    browser.execute_script("choose(arguments[0])", f"z:2:{first}::0")
    assert "[779 more:" in panel(browser)
    assert not browser.execute_script("return DATA.editable")
    found = browser.execute_script("return backlit.explain(arguments[0], 17).lines[0][2]", f"z:2:{first}::0")
    numbers = found.replace("−", "-").replace("·", "*").replace("[779 more:", "(").replace("]", ")")
    assert eval(numbers) == pytest.approx(float(t.z(2)[0, first]), abs=1e-5)  # float32
