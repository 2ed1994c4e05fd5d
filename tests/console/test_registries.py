"""Registries on their pages: what is read of each and why not, and what people may do about it."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.support import console_registries as support
from tests.support.console import Console
from tests.support.registries import registry_spec
from tests.support.visitor import Visitor

from hullguard.model.registry import Registry
from hullguard.storage import PageRequest, Transaction
from hullguard.storage.stores import Registries


@pytest.fixture(scope="module")
def ids(console: Console) -> dict[str, str]:
    """The registries that are there in every test, in the order of the tests."""
    return console.do(support.all_registries)


def named(console: Console, name: str) -> Registry:
    return console.do(lambda tx: Registries(tx).page(PageRequest(10, q=name))).items[0]


def labelled(page: Page, name: str) -> Locator:
    return page.get_by_label(name, exact=True)


def test_without_registries_the_page_says_what_to_do_first(visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in("omar")
    page = visitor.page
    page.locator("nav a", has_text="Registries").click()
    expect(page.get_by_role("heading", name="No registry yet")).to_be_visible()
    page.locator("main .empty").get_by_role("link", name="Add registry").click()
    expect(page).to_have_url(f"{visitor.url}/registries/new")


def test_what_is_wrong_is_shown_at_its_field_before_a_registry_is_added(
    console: Console, visit: Callable[..., Visitor]
) -> None:
    visitor = visit(refusals=(422,)).sign_in("omar")
    page = visitor.page
    visitor.go("/registries/new")
    labelled(page, "Name").fill("Berlin")
    labelled(page, "Address").fill("https://berlin.example:5000/")
    labelled(page, "Password").fill("a secret of the tests")
    repositories = labelled(page, "Repositories")
    expect(labelled(page, "Address")).to_have_value("berlin.example:5000")
    repositories.fill("shop/*\n\nshop/Cart")
    visitor.button("Add registry").click()
    user = labelled(page, "User name")
    expect(user).to_be_focused()
    expect(page.get_by_role("alert")).to_have_text("A password needs a user name.")
    user.fill("scanner")
    visitor.button("Add registry").click()
    expect(repositories).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("alert")).to_have_text(re.compile(r"^shop/Cart: This is no name of a repository"))
    repositories.fill("shop/*\nshop/cart")
    labelled(page, "Listed again").select_option("Every week")
    labelled(page, "Why this change").fill("the shop in Berlin")
    visitor.button("Add registry").click()
    expect(visitor.toast("Berlin is added.")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("Berlin")
    expect(page.get_by_text("A password is kept.")).to_be_visible()
    made = named(console, "Berlin")
    assert (made.spec.address, made.spec.repositories, made.spec.every_hours) == (
        "berlin.example:5000",
        ["shop/*", "shop/cart"],
        168,
    )
    assert made.has_password
    assert made.comment == "the shop in Berlin"
    console.do(lambda tx: Registries(tx).delete(made.id))


def test_the_list_shows_how_far_each_is_and_leads_to_its_images(
    ids: dict[str, str], visit: Callable[..., Visitor]
) -> None:
    visitor = visit().sign_in("vera")
    page = visitor.page
    visitor.go("/registries")
    expect(page.get_by_role("heading", level=1)).to_have_text("Registries 3")
    shop = page.get_by_role("row", name=support.SHOP)
    expect(shop).to_contain_text("5 of 7 done")
    expect(shop).to_contain_text("tomorrow")
    expect(page.get_by_role("row", name=support.LAB)).to_contain_text("The registry cannot be reached.")
    expect(page.get_by_role("row", name=support.LAB)).to_contain_text("By hand only")
    expect(page.get_by_role("link", name="Add registry")).to_have_count(0)
    shop.get_by_role("link", name="1 failed").click()
    expect(page).to_have_url(f"{visitor.url}/registries/{ids[support.SHOP]}?state=failed")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Its bytes are not those that its digest names.")
    for action in ("Scan now", "Scan all again", "Delete"):
        expect(visitor.button(action)).to_have_count(0)
    expect(page.get_by_role("link", name="Edit")).to_have_count(0)


def test_who_may_only_read_is_not_let_into_the_form(ids: dict[str, str], visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in("vera")
    for path in ("/registries/new", f"/registries/{ids[support.LAB]}/edit"):
        visitor.go(path)
        expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Not permitted")


def test_the_images_of_a_registry_lead_to_their_pages_and_back(
    ids: dict[str, str], visit: Callable[..., Visitor]
) -> None:
    visitor = visit().sign_in()
    page = visitor.page
    visitor.go(f"/registries/{ids[support.SHOP]}")
    expect(page.get_by_role("heading", level=2, name="Images")).to_have_text("Images 7")
    page.get_by_role("searchbox", name="Search repository or tag").fill("log-shipper")
    page.get_by_role("link", name="platform/log-shipper:0.9").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("registry.example/platform/log-shipper:0.9")
    facts = page.get_by_role("region", name="About this image")
    facts.get_by_role("link", name=support.SHOP).click()
    page.get_by_role("link", name="Its images in the image list").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Images 3")
    where = page.get_by_label("Lies in")
    expect(where.locator("option:checked")).to_have_text(support.SHOP)
    expect(page.get_by_role("row", name="checkout:2.14.0")).to_contain_text("in 1 registry")
    where.select_option("Any registry")
    expect(page).to_have_url(f"{visitor.url}/images?lister=registry")
    expect(page.get_by_role("heading", level=1)).to_have_text("Images 3")
    where.select_option("Any")
    expect(page.get_by_role("row", name="nginx:1.25.3")).to_contain_text("on 4 nodes")


def test_what_happens_to_a_registry_is_shown_by_itself(
    ids: dict[str, str], console: Console, visit: Callable[..., Visitor]
) -> None:
    visitor = visit().sign_in()
    page = visitor.page
    hub = ids["Docker Hub"]
    visitor.go(f"/registries/{hub}")
    expect(page.get_by_text("Nothing listed yet")).to_be_visible()
    expect(visitor.button("Scan now")).to_be_disabled()
    console.do(lambda tx: Registries(tx).failed(hub, support.UNREACHABLE))
    console.announce("registry", hub)
    note = page.get_by_role("status").filter(has_text="The registry cannot be reached.")
    expect(note).to_contain_text("Check the address and the port")
    expect(note).to_contain_text("[Errno 111] Connection refused")
    # Nobody knows what it has, which is not that it has nothing.
    expect(page.get_by_text("so nobody knows what it has")).to_be_visible()
    visitor.button("Scan now").click()
    expect(visitor.toast("Docker Hub is being listed")).to_be_visible()
    expect(visitor.button("Scan now")).to_be_disabled()
    assert named(console, "Docker Hub").state.value == "waiting"


def test_scanning_all_again_says_what_that_means_first(
    ids: dict[str, str], console: Console, visit: Callable[..., Visitor]
) -> None:
    visitor = visit().sign_in("omar")
    page = visitor.page
    visitor.go(f"/registries/{ids[support.LAB]}")
    visitor.button("Scan all again").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Every image is read anew, also those that have not changed.")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert not console.do(lambda tx: Registries(tx).work(ids[support.LAB])).again
    visitor.button("Scan all again").click()
    dialog.get_by_role("button", name="Scan all again").click()
    expect(visitor.toast("All images of Lab are read again.")).to_be_visible()
    assert console.do(lambda tx: Registries(tx).work(ids[support.LAB])).again
    console.do(lambda tx: Registries(tx).failed(ids[support.LAB], support.UNREACHABLE))


def test_a_password_stays_unless_it_would_go_elsewhere(
    ids: dict[str, str], console: Console, visit: Callable[..., Visitor]
) -> None:
    visitor = visit().sign_in()
    page = visitor.page
    shop = ids[support.SHOP]
    visitor.go(f"/registries/{shop}")
    page.get_by_role("link", name="Edit").click()
    expect(page.get_by_text("A password is kept.")).to_be_visible()
    expect(page.locator("input[type=password]")).to_have_count(0)
    expect(visitor.button("Save and list again")).to_be_disabled()
    labelled(page, "Address").fill("registry.example:444")
    password = labelled(page, "Password")
    expect(password).to_be_visible()
    visitor.button("Save and list again").click()
    expect(password).to_be_focused()  # the browser asks for it: it is needed
    labelled(page, "Address").fill("registry.example")
    expect(page.get_by_text("A password is kept.")).to_be_visible()
    labelled(page, "Newest tags of each repository").fill("3")
    visitor.button("Save and list again").click()
    expect(visitor.toast(f"{support.SHOP} is saved.")).to_be_visible()
    saved = console.do(lambda tx: Registries(tx).get(shop))
    assert (saved.version, saved.spec.newest, saved.has_password) == (2, 3, True)


def test_a_stale_edit_is_a_choice(ids: dict[str, str], console: Console, visit: Callable[..., Visitor]) -> None:
    visitor = visit(refusals=(412,)).sign_in()
    page = visitor.page
    lab = ids[support.LAB]
    visitor.go(f"/registries/{lab}/edit")

    async def meanwhile(tx: Transaction) -> Registry:
        now = await Registries(tx).get(lab)
        spec = registry_spec(support.LAB, address="lab.example:5000", repositories=["base", "tools"], insecure=True)
        return await Registries(tx).update(lab, spec, "user:omar", "the tools too", expected_version=now.version, password=None)

    console.do(meanwhile)
    labelled(page, "Tags").fill("stable")
    visitor.button("Save and list again").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("omar saved version 2")
    expect(dialog).to_contain_text("base, tools")
    dialog.get_by_role("button", name="Go on editing").click()
    expect(labelled(page, "Tags")).to_have_value("stable")
    visitor.button("Save and list again").click()
    dialog.get_by_role("button", name="Take theirs").click()
    expect(labelled(page, "Repositories")).to_have_value("base\ntools")
    expect(labelled(page, "Tags")).to_have_value("*")
    console.do(meanwhile)
    labelled(page, "Tags").fill("stable")
    visitor.button("Save and list again").click()
    dialog.get_by_role("button", name="Save mine over it").click()
    expect(visitor.toast("Lab is saved.")).to_be_visible()
    saved = console.do(lambda tx: Registries(tx).get(lab))
    assert (saved.version, saved.spec.tags) == (4, ["stable"])


def test_search_finds_registries(ids: dict[str, str], visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in()
    page = visitor.page
    page.keyboard.press("/")
    page.keyboard.type("shop prod")
    expect(page.get_by_role("listbox").get_by_role("option").first).to_contain_text(support.SHOP)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{visitor.url}/registries/{ids[support.SHOP]}")


def test_deleting_a_registry_asks_for_its_name_and_says_what_goes(
    ids: dict[str, str], console: Console, visit: Callable[..., Visitor]
) -> None:
    visitor = visit().sign_in()
    page = visitor.page
    visitor.go(f"/registries/{ids[support.SHOP]}")
    visitor.button("Delete").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("No image vanishes from the list.")
    expect(dialog).to_contain_text("3 images stay")
    confirm = dialog.get_by_role("button", name="Delete", exact=True)
    expect(confirm).to_be_disabled()
    dialog.get_by_role("textbox").fill("Shop")
    expect(confirm).to_be_disabled()
    dialog.get_by_role("textbox").fill(support.SHOP)
    confirm.click()
    expect(visitor.toast(f"{support.SHOP} is deleted.")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("Registries 2")
    left = console.do(lambda tx: Registries(tx).page(PageRequest(10)))
    assert support.SHOP not in {each.spec.name for each in left.items}
