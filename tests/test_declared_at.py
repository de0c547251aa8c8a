"""Where a declaration error says that something is declared: as it is found from here."""

from pathlib import Path

from narrate import DeclarationError


def test_a_place_below_the_working_directory_is_shown_from_there(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    error = DeclarationError("It cannot run.", where=f"{Path.cwd()}/flows/trip.py:7")

    assert str(error) == "It cannot run.\n  declared at flows/trip.py:7"
    assert error.where == f"{Path.cwd()}/flows/trip.py:7"


def test_a_place_elsewhere_is_shown_whole(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    assert str(DeclarationError("No.", where="/srv/trip.py:7")) == "No.\n  declared at /srv/trip.py:7"
    assert str(DeclarationError("No.", where="?")) == "No.\n  declared at ?"
    assert str(DeclarationError("No.")) == "No."
