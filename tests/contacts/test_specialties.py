"""The short list of specialties, and the licensed NUCC file."""

import re

import pytest
from django.core.management import CommandError, call_command

from contacts.models import Provider, Specialty
from contacts.specialties import add_specialties, import_specialties, short_list
from practices.isolation import practice_scope
from tests import make

HEADER = "Code,Grouping,Classification,Specialization,Definition,Notes,Display Name,Section\r\n"


def test_the_short_list_is_about_sixty_codes_each_once():
    codes = [code for code, _name in short_list()]
    names = [name for _code, name in short_list()]
    assert 60 <= len(codes) <= 80
    assert all(re.fullmatch(r"[0-9A-Z]{9}X", code) for code in codes)
    assert len(set(codes)) == len(set(names)) == len(codes)
    assert names == sorted(names, key=str.casefold)
    assert dict(short_list())["207RC0000X"] == "Cardiology"


@pytest.mark.django_db
def test_a_practice_gets_the_short_list_once_and_keeps_its_own_names():
    practice = make.practice()
    add_specialties(practice)
    with practice_scope(practice):
        Specialty.objects.filter(code="207RC0000X").update(name="Heart")
    add_specialties(practice)
    with practice_scope(practice):
        assert Specialty.objects.count() == len(short_list())
        assert Specialty.objects.get(code="207RC0000X").name == "Heart"
    with practice_scope(make.practice()):
        assert not Specialty.objects.exists()


@pytest.fixture
def practice(db):
    made = make.practice()
    add_specialties(made)
    return made


def test_the_licensed_file_adds_and_renames_and_says_which_lines_are_wrong(practice):
    lines = [
        HEADER,
        "207RC0000X,Allopathic,Internal Medicine,Cardiovascular Disease,A cardiologist,,Cardiology,Individual\r\n",
        '207QA0401X,Allopathic,Family Medicine,Addiction Medicine,"Two\n',
        'lines",,,Individual\r\n',
        "\r\n",
        ",,,,,,,\r\n",
        "wrong,Allopathic,Something,,,,,\r\n",
        "207QA0000X,,,,,,,\r\n",
    ]
    with practice_scope(practice):
        Provider.objects.create(family_name="Ode", specialty=Specialty.objects.get(code="207RC0000X"))
        result = import_specialties(lines)
        assert (result.added, result.renamed) == (1, 1)
        assert Specialty.objects.get(code="207QA0401X").name == "Family Medicine, Addiction Medicine"
        assert "cardiovascular" in Provider.objects.get().search
        assert import_specialties(lines).added == 0
    assert result.errors == [
        "Line 7: “wrong” is no taxonomy code (nine characters and an X).",
        "Line 8: 207QA0000X has no name.",
    ]


def test_another_file_is_refused(practice):
    with practice_scope(practice), pytest.raises(ValueError, match="not a NUCC"):
        import_specialties(["First,Last\n", "a,b\n"])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252"])
def test_the_command_reads_either_encoding(practice, tmp_path, capsys, encoding):
    file = tmp_path / "nucc.csv"
    file.write_bytes((HEADER + "207QA0401X,G,Médecine,,,,,\r\n").encode(encoding))
    call_command("import_specialties", str(file), practice=practice.pk)
    assert "1 added, 0 renamed" in capsys.readouterr().out
    with practice_scope(practice):
        assert Specialty.objects.get(code="207QA0401X").name == "Médecine"


def test_the_command_says_what_is_wrong(practice, tmp_path):
    with pytest.raises(CommandError, match="no practice"):
        call_command("import_specialties", "x.csv", practice=10**9)
    with pytest.raises(CommandError, match=r"absent\.csv"):
        call_command("import_specialties", str(tmp_path / "absent.csv"), practice=practice.pk)
    (tmp_path / "bad.csv").write_text(HEADER + "bad,G,Name,,,,,\n207QA0401X,G,Good,,,,,\n")
    with pytest.raises(CommandError, match="1 lines"):
        call_command("import_specialties", str(tmp_path / "bad.csv"), practice=practice.pk)
    with practice_scope(practice):
        assert Specialty.objects.filter(code="207QA0401X").exists(), "good lines count"
