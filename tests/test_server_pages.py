"""The page, the files that it and the pipelines bring, and what they are sent with: over real sockets."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import trio
import trio.to_thread
from pydantic import BaseModel
from quart_trio import QuartTrio

from narrate import DeclarationError, Pipeline, concurrent, step
from narrate.server import Options, create_app, create_blueprint
from narrate.server.files import WEB
from tests.serving import Served, get, one_step, served

NAME_TOO_LONG = "x" * 300


class Wish(BaseModel):
    q: str


async def work() -> int:
    return 1


PLAIN = one_step(work)

DIRECTIVES = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
}


@pytest.fixture
def page(tmp_path) -> Path:
    """The folder of a pipeline's page, with something secret beside it."""
    (tmp_path / "secret.txt").write_text("s3cret")
    folder = tmp_path / "page"
    folder.mkdir()
    (folder / "view.js").write_text("export default () => () => {};")
    return folder


def bringing(page: Path, **options) -> Pipeline:
    return one_step(work, page=page, **options)


async def raw(server: Served, path: str) -> int:
    """The status of what is asked for by a client that sends the path as it is."""
    async with await server.wire() as client:
        await client.send(get(path))
        return (await client.head())[0]


# --- The framework's own files ---


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("web/page.js", "text/javascript; charset=utf-8"),
        ("web/page.css", "text/css; charset=utf-8"),
    ],
)
async def test_the_page_and_what_it_needs_come_under_one_strict_policy(path, kind):
    async with served(PLAIN) as server:
        answer = await server.client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    assert set(answer.headers["content-security-policy"].split("; ")) == DIRECTIVES
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-cache"


async def test_every_file_of_the_folder_is_served_as_it_is_but_for_the_documents():
    files = [file for file in WEB.iterdir() if file.is_file()]
    async with served(PLAIN) as server:
        told = {file.name: await server.client.get(f"/web/{file.name}") for file in files}
        assert (await server.client.get("/")).content == (WEB / "page.html").read_bytes()
    given = {name for name, answer in told.items() if answer.status_code == 200}
    assert {name for name in told if name not in given} == {file.name for file in files if file.suffix == ".html"}
    assert {name: told[name].content for name in given} == {name: (WEB / name).read_bytes() for name in given}


@pytest.mark.parametrize(
    "path", ["/web/nothing.js", "/web/page.html", "/web/", "/web", "/web/..", "/web/../cli.py", "/web/%2e%2e%2fcli.py"]
)
async def test_nothing_else_of_the_package_is_served(path):
    async with served(PLAIN) as server:
        assert await raw(server, path) == 404


# --- What a pipeline brings ---


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("view.js", "text/javascript; charset=utf-8"),
        ("map.mjs", "text/javascript; charset=utf-8"),
        ("map.css", "text/css; charset=utf-8"),
        ("world.json", "application/json"),
        ("pin.svg", "image/svg+xml"),
        ("pin.png", "image/png"),
        ("face.woff2", "font/woff2"),
        ("LICENCE.txt", "text/plain; charset=utf-8"),
        ("README.md", "text/plain; charset=utf-8"),
        ("view.d.ts", "text/plain; charset=utf-8"),
        ("PIN.PNG", "image/png"),
        ("data.parquet", "application/octet-stream"),
        ("LICENCE", "application/octet-stream"),
        ("deep/er/map.js", "text/javascript; charset=utf-8"),
        ("Wien–Graz 1.txt", "text/plain; charset=utf-8"),
    ],
)
async def test_a_pipelines_file_is_served_as_what_it_is(page, name, kind):
    (page / name).parent.mkdir(parents=True, exist_ok=True)
    (page / name).write_bytes(b"\x00 what it holds")
    async with served(bringing(page)) as server:
        answer = await server.client.get(f"/pipelines/story/page/{name}")
    assert (answer.content, answer.headers["content-type"]) == (b"\x00 what it holds", kind)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert set(answer.headers["content-security-policy"].split("; ")) == DIRECTIVES


@pytest.mark.parametrize(
    "asked",
    [
        "../secret.txt",
        "%2e%2e/secret.txt",
        "..%2fsecret.txt",
        "..%5csecret.txt",
        "deep/../../secret.txt",
        "deep/../view.js",
        "./view.js",
        "/etc/passwd",
        "%2fetc/passwd",
        "deep//view.js",
        "deep/",
        "deep",
        "",
        "nothing.js",
        "view.js/",
        "view.js/x",
        "view.js%00",
        "view.js%00.txt",
        "%ff",
        NAME_TOO_LONG,
        ".hidden",
        "deep/.hidden",
        ".git/config",
    ],
)
async def test_what_is_not_in_the_folder_or_hidden_there_is_not_served(page, asked):
    for hidden in (".hidden", "deep/.hidden", ".git/config", "deep/view.js"):
        (page / hidden).parent.mkdir(exist_ok=True)
        (page / hidden).write_text("s3cret")
    async with served(bringing(page)) as server:
        assert await raw(server, f"/pipelines/story/page/{asked}") == 404


@pytest.mark.parametrize(
    ("name", "target", "status"),
    [
        ("out.txt", "../secret.txt", 404),
        ("out", "..", 404),
        ("loop.js", "loop.js", 404),
        ("broken.js", "nothing.js", 404),
        ("found.js", ".hidden.js", 404),
        ("within.js", "view.js", 200),
    ],
)
async def test_a_link_is_followed_to_what_would_be_served_without_it_and_nowhere_else(page, name, target, status):
    (page / ".hidden.js").write_text("s3cret")
    (page / name).symlink_to(target)
    async with served(bringing(page)) as server:
        asked = {"out": "out/secret.txt"}.get(name, name)
        assert await raw(server, f"/pipelines/story/page/{asked}") == status


async def test_a_folder_that_is_itself_a_link_is_served(page, tmp_path):
    (tmp_path / "current").symlink_to("page")
    async with served(bringing(tmp_path / "current")) as server:
        assert await raw(server, "/pipelines/story/page/view.js") == 200


async def test_a_pipeline_without_a_page_and_one_that_is_not_here_have_no_files(page):
    other = Pipeline("other", step("Working")(work))
    async with served(bringing(page), other) as server:
        for name in ("other", "nobody"):
            answer = await server.client.get(f"/pipelines/{name}/page/view.js")
            assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_files_are_served_while_steps_have_taken_all_the_threads(page):
    async with served(bringing(page)) as server:
        threads = trio.to_thread.current_default_thread_limiter()
        threads.total_tokens = 1
        async with threads:
            for path in ("/", "/pipelines/story/page/view.js"):
                assert (await server.client.get(path)).status_code == 200


# --- Sent once, until it is another ---


@pytest.mark.parametrize("path", ["/", "web/page.js", "/pipelines/story/page/view.js"])
async def test_what_the_client_has_already_is_not_sent_again(page, path):
    async with served(bringing(page)) as server:
        first = await server.client.get(path)
        again = await server.client.get(path, headers={"If-None-Match": f'"other", {first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    for name in ("etag", "cache-control", "content-security-policy"):
        assert again.headers[name] == first.headers[name]


async def test_a_file_that_was_changed_is_another_at_the_next_request(page):
    async with served(bringing(page)) as server:
        before = await server.client.get("/pipelines/story/page/view.js")
        (page / "view.js").write_text("export default () => null;")
        after = await server.client.get(
            "/pipelines/story/page/view.js", headers={"If-None-Match": before.headers["etag"]}
        )
    assert (after.status_code, after.text) == (200, "export default () => null;")
    assert after.headers["etag"] != before.headers["etag"]


async def test_a_file_that_has_gone_is_not_found(page):
    async with served(bringing(page)) as server:
        (page / "view.js").unlink()
        assert (await server.client.get("/pipelines/story/page/view.js")).status_code == 404


@pytest.mark.parametrize("path", ["/", "web/page.js", "/pipelines/story/page/view.js"])
async def test_a_head_hears_what_a_get_would_without_the_body(page, path):
    async with served(bringing(page)) as server:
        whole, head = await server.client.get(path), await server.client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) == len(whole.content)
    assert without_date(head) == without_date(whole)


def without_date(answer) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name != "date"}


async def test_a_file_that_is_wanted_only_as_it_was_is_refused_as_a_problem():
    async with served(PLAIN) as server:
        answer = await server.client.get("web/page.js", headers={"If-Match": '"old"'})
    assert (answer.status_code, answer.headers["content-type"]) == (412, "application/problem+json")
    assert answer.json()["errors"][0]["field"] == "If-Match"


# --- The list ---


async def test_the_list_says_of_each_pipeline_what_it_takes_what_it_does_and_what_draws_it(page):
    told = Pipeline(
        "told", concurrent(step("Looking")(work), PLAIN), takes=Wish, title="A wish", page=page, path="/ask"
    )
    async with served(told, PLAIN) as server:
        answer = await server.client.get("/pipelines")
        wish, plain = answer.json()
        assert (await server.client.get(wish["view"])).content == (page / "view.js").read_bytes()
    assert answer.headers["cache-control"] == "private, no-cache"
    assert (wish["name"], wish["title"], wish["path"]) == ("told", "A wish", "/ask")
    assert wish["input"]["required"] == ["q"]
    assert wish["view"] == "/pipelines/told/page/view.js"
    (group,) = wish["outline"]
    assert [(one["kind"], one["title"]) for one in group["members"]] == [("step", "Looking"), ("pipeline", "story")]
    assert plain == {
        "name": "story",
        "title": "story",
        "path": "/story",
        "input": None,
        "outline": [{"kind": "step", "step": "work", "title": "Working"}],
        "linger": 10.0,
        "view": None,
    }


async def test_the_list_says_what_steps_usually_take_once_some_run_has_ended():
    async with served(PLAIN) as server:
        await server.client.post("/story")
        ((stage,),) = [one["outline"] for one in (await server.client.get("/pipelines")).json()]
    assert stage["seconds"] >= 0


async def test_what_no_schema_can_describe_may_be_anything_in_the_list():
    async with served(one_step(work, takes=Callable[[], int])) as server:
        ((schema),) = [one["input"] for one in (await server.client.get("/pipelines")).json()]
    assert schema == {}


@pytest.mark.parametrize("name", ["v1.story", "a/b", "où?", "a b#c%d"])
async def test_a_view_is_found_under_whatever_name_its_pipeline_has(page, name):
    named = Pipeline(name, step("Working")(work), page=page, path="/story")
    async with served(named) as server:
        ((view),) = [one["view"] for one in (await server.client.get("/pipelines")).json()]
        assert (await server.client.get(view)).content == (page / "view.js").read_bytes()


def test_two_pages_for_one_name_are_a_mistake(page, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "view.js").write_text("")
    with pytest.raises(DeclarationError, match="Two pipelines are called `story`, and each brings a page"):
        create_app(bringing(page), bringing(other, path="/again"))


def test_two_pipelines_of_one_name_may_share_a_page(page):
    assert create_app(bringing(page), bringing(page, path="/again"))


async def test_an_authors_own_views_may_be_called_as_ours_are(page):
    app = create_app(bringing(page))

    @app.get("/mine")
    async def page() -> str:
        return "mine"

    async with served(app=app) as server:
        assert (await server.client.get("/mine")).text == "mine"
        assert (await server.client.get("/")).status_code == 200


async def test_in_an_app_of_ones_own_the_page_and_all_it_asks_for_stand_behind_the_prefix():
    app = QuartTrio("mine")
    blueprint, service = create_blueprint(one_step(work), options=Options(grace=0))
    app.register_blueprint(blueprint, url_prefix="/told")
    app.extensions["narrate"] = service
    async with served(app=app) as server:
        page = await server.client.get("/told/")
        parts = re.findall(r'(?:src|href)="(web/[^"]+)"', page.text)
        found = [(await server.client.get(f"/told/{part}")).status_code for part in parts]
        listed = await server.client.get("/told/pipelines")
        begun = await server.client.post(listed.json()[0]["path"], headers={"Accept": "application/json"})

    assert (page.status_code, len(parts) > 2, set(found)) == (200, True, {200})
    assert (listed.json()[0]["path"], begun.status_code) == ("/told/story", 200)
    assert "link" not in listed.headers


async def test_the_list_says_where_the_docs_are():
    async with served(one_step(work)) as server:
        listed = await server.client.get("/pipelines")

    assert listed.headers["link"] == '</docs>; rel="service-doc"'
