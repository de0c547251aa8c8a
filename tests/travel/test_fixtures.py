"""The fixtures are what the script beside them composes, so that they follow when the pipeline asks differently."""

from pipelines.travel_escape.fixtures.compose import HERE, compose


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*.json"))}


def test_the_fixtures_are_those_that_are_composed_to_the_byte(tmp_path):
    compose(tmp_path)

    composed, kept = files(tmp_path), files(HERE)

    assert [path for path in composed.keys() | kept.keys() if composed.get(path) != kept.get(path)] == []
