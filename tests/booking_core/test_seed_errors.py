"""Files that are wrong: each says what and in which line, and nothing else ever comes out of one."""

from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from booking_core.seed_file import SeedError, read_seed
from tests.booking_core.seeds import HOUSE, MARIGOLD, SAMPLES, wrong_file

CUT = "  - name: Cut\n    duration: 30\n"


def said(file: Path) -> list[tuple[int, str]]:
    """What a file is refused for, by line."""
    with pytest.raises(SeedError) as caught:
        read_seed(file)
    lines = str(caught.value).splitlines()
    found = [line.removeprefix(f"{file}:").partition(": ") for line in lines]
    return [(int(number), message) for number, _, message in found]


def test_the_house_is_right(tmp_path: Path) -> None:
    file = tmp_path / "house.yml"
    file.write_text(HOUSE)
    assert read_seed(file).seed.business.policy.late_fee == 500


@pytest.mark.parametrize(
    ("right", "wrong", "offset", "says"),
    [
        # Words and values
        ("timezone: Europe/Madrid", "timezone: Europe/Marid", 0, "no time zone of the IANA database"),
        ("currency: EUR", "currency: DEM", 0, "no currency of today"),
        ("languages: [es, en]", "languages: [es, xx]", 0, "no language"),
        ("locale: en-GB", "locale: english", 0, "no language"),
        ("locale: en-GB", "locale: ast", 0, "must be a language of two letters"),
        ("kind: block}", "kind: party}", 0, "must be absence, block or sick"),
        ("slug: house", "slug: My House", 0, "must be small letters and digits, with single hyphens"),
        ('price: "30.00"', "price: 30.00", 0, "in quotes"),
        ('price: "30.00"', 'price: "1e9"', 0, "no amount"),
        ('price: "30.00"', 'price: "-1"', 0, "no amount"),
        ('price: "30.00"', 'price: "30.001"', 0, "finer than EUR has coins"),
        ('late_fee: "5.00"', 'late_fee: "5.001"', 0, "no amount"),
        ("lead_time: 60", "lead_time: -1", 0, "greater than or equal to 0"),
        ("lead_time: 60", "lead: 60", 0, "there is no such key here"),
        ('deposit: "20%"', 'deposit: "120%"', 0, "no share of the price"),
        ('deposit: "20%"', 'deposit: "30.01"', 0, "more than the price"),
        ('deposit: "20%"', 'deposit: "0.00"', 1, "payment is a deposit, but there is none"),
        ("duration: 30", "duration: half an hour", 0, "must be a whole number"),
        ("    duration: 30\n", "", -1, "duration is missing"),
        ("duration: 30", "durration: 30", 0, "did you mean 'duration'"),
        ("holidays: [2026-12-25]", "holidays: [25.12.2026]", 0, "no date"),
        ("holidays: [2026-12-25]", "holidays: [2026-12-24]", 1, "is a holiday and has other hours"),
        ("holidays: [2026-12-25]", "holidays: [2026-12-25, 2026-12-25]", 0, "a date is there twice"),
        ("2026-12-24", "2026-13-24", 0, "no such date"),
        ("name: Main", "name: ''", 0, "at least 1 character"),
        # Hours
        ('mon-fri: "9:00-18:00"', 'mon-fri: "9:00-7:00"', 0, 'sat: "0:00-2:00"'),
        ('mon-fri: "9:00-18:00"', 'mon-fri: "9:00-25:00"', 0, "from 0:00 to 24:00"),
        ('mon-fri: "9:00-18:00"', 'mon-fri: "9 to 5"', 0, "no span of hours"),
        ('mon-fri: "9:00-18:00"', 'sta: "9:00-18:00"', 0, "no weekday"),
        ('mon-fri: "9:00-18:00"', 'fri-mon: "9:00-18:00"', 0, "the week begins with mon"),
        ('mon-fri: "9:00-18:00"', 'mon-fri: "9:00-18:00", wed: "9:00-12:00"', 0, "wed has hours twice"),
        ('"9:00-13:00", "14:00-18:00"', '"9:00-15:00", "14:00-18:00"', 0, "overlaps other hours of the same day"),
        ("hours: {mon: ", "hours: {mon: 9, tue: ", 0, "are no hours"),
        # Names
        ("  - name: Bruno", "  - name: ana", 0, "'ana' is there twice"),
        ("  - name: Colour", "  - name: Cut", 0, "'Cut' is there twice"),
        ("aliases: [Anna]", "aliases: [Bruno]", 0, "is how Bruno is called too"),
        ("name: Zimmer, location: Zurich", "name: Room", 0, "is there twice at Main"),
        ("      Cut: {price", "      Cutt: {price", 0, "no service 'Cutt' (did you mean 'Cut'?)"),
        ("    location: Zurich\n", "    location: Zürich\n", 0, "no location 'Zürich' (did you mean 'Zurich'?)"),
        ("      Zurich: {price", "      Genf: {price", 0, "no location 'Genf'"),
        ("Yoga, staff: Ana, day: mon,", "Yoga, staff: Eva, day: mon,", 0, "no person 'Eva'"),
        ("      - service: Cut", "      - service: Trim", 0, "no service 'Trim'"),
        # Money
        ('Zurich: {price: "40.00"}', "Zurich: {}", -1, "Zurich takes CHF: say in at what it costs there"),
        ('Zurich: {price: "40.00"}', 'Zurich: {deposit: "5.00"}', 0, "say the price in CHF too"),
        ('Zurich: {price: "40.00"}', 'Zurich: {price: "40.00", deposit: "41.00"}', 0, "more than the price at Zurich"),
        ('price: "32.00", limits', 'price: "5.00", limits', 0, "the deposit of Cut is more than this price"),
        # Lengths and units
        ("processing: 30", "processing: 61", 0, "processing ends after the 90 minutes"),
        ("    processing_from: 30\n", "", 0, "say in processing_from"),
        ("Colour: {duration: 100}", "Colour: {duration: 60}", 0, "no time for the work before processing"),
        ("max_party: 2", "max_party: 9", 0, "no room in 8 seats"),
        ("capacity: 4}", "capacity: 1}", 0, "no room in 1 seats"),
        ("    units_max: 4\n", "", -1, "say in units_max how many hours"),
        ("    units_max: 4\n", "    units_min: 5\n    units_max: 4\n", 0, "units_min is more than units_max"),
        ('    day_from: "9:00"\n', "", -2, "day_from is missing"),
        ('day_from: "9:00"', 'day_from: "19:00"', 1, "a day must end after it begins"),
        ('day_from: "9:00"', 'day_from: "24:00"', 0, "no time of day"),
        ("unit: hour", "unit: hour\n    day_from: '9:00'", 1, "sold by the day or night"),
        (CUT, CUT + "    units_max: 2\n", 2, "has units"),
        # Parts
        ("      - service: Cut", "      - service: Yoga", 0, "Yoga is a class"),
        ("      - service: Cut", "      - service: Bike", 0, "Bike is sold by the day"),
        ("      - service: Cut", "      - service: Package", 0, "in a circle: Package - Package"),
        ("      - service: Cut", "      - {service: Cut, max_wait: 5}", 0, "comes after nothing"),
        ("      - service: Cut\n", "", -1, "two or more"),
        ("  - name: Package", "  - name: Package\n    duration: 90", 1, "leaves this to its parts"),
        ("      Colour: {role", "      Package:\n      Colour: {role", 0, "name those that Bruno"),
        # People and things
        ("Colour: {role: assistant}", "Yoga:", -30, "nobody has the role 'assistant'"),
        ("Colour: {role: assistant}", "Colour: {role: helper}", 0, "needs nobody as 'helper'"),
        ("Colour: {duration: 100}", "Colour: [{}, {}]", 0, "a role is there twice"),
        ("      Cut:\n", "      Room by the hour:\n", 0, "nobody is needed for Room by the hour"),
        ("nobody\n    needs: {room: 1}", "nobody\n    needs: {hall: 1}", 1, "no resource of kind 'hall' at Zurich"),
        ("needs: {room: 2}", "needs: {room: 3}", 0, "it needs 3 of kind 'room', Main has 2"),
        ("staff: [main, assistant]", "staff: some", 0, "write everyone, nobody, or a list of roles"),
        # Limits
        ("limits: {day: 5, month: 40}", "limits: {day: 9, month: 5}", 0, "5 in a month is less than 9 in a day"),  # 53
        ("limits: {day: 9, week: 30}", "limits: {day: 0}", 0, "greater than or equal to 1"),
        ("limits: {day: 9, week: 30}", "limits: {hour: 2}", 0, "'day', 'week', 'month' or 'year'"),
        ("limits: {day: 9, week: 30}", "limits: {day: [9, 8]}", 0, "is there twice"),
        # Questions
        ("when: {first: yes, wish: long}", "when: {why: yes}", 0, "the question 'why' does not exist"),
        ("when: {first: yes, wish: long}", "when: {first: perhaps}", 0, "'perhaps' is no answer to 'first'"),
        ("when: {first: yes, wish: long}", "when: {wish: tall}", 0, "'tall' is no answer to 'wish'"),
        ("kind: yes_no}", "kind: yes_no, when: {wish: long}}", 0, "the question 'wish' comes later"),
        ("{key: why, ", "{key: first, ", 0, "'first' is there twice"),
        ("{key: why, text: {en: ", "{key: why, text: {xx: ", 0, "no language"),
        ("choices: {long: {en: Long}, short: {en: Short}}", "choices: {}", 0, "a choice needs two or more choices"),
        # Dates
        ("first_day: 2026-09-01", "first_day: 2028-09-01", 0, "the last day is before the first"),
        ("first_day: 2026-09-01", "first_day: 1026-09-01", 0, "too far away"),
        ("until: 2027-01-08", "until: 2027-01-03", 0, "does not end after it begins"),
        ('until: "2027-02-01 12:00"', 'until: "2027-02-01 25:00"', 0, "is no time"),
        ('until: "2027-02-01 12:00"', "until: noon", 0, "no date"),
        ("last_day: 2027-03-05}", "last_day: 2027-02-05}", 0, "the last day is before the first"),
        (
            "last_day: 2027-03-05}",
            "last_day: 2027-03-05}, {timezone: Asia/Tokyo, first_day: 2027-03-05}",
            0,
            "these dates overlap those in Europe/London",
        ),
        # Timetable
        ('day: mon, time: "19:00"', 'day: mon, time: "18:30"', 0, "Ana has another class on mon at 18:30"),
        ('staff: Ana, day: mon, time: "19:00"', 'day: mon, time: "18:30"', 0, "more of kind 'room' than Main has"),
        ('day: mon, time: "19:00"', 'day: mon, time: "18:00"', 0, "Yoga is there twice on mon at 18:00"),
        ("Yoga, staff: Ana, day: mon,", "Cut, staff: Ana, day: mon,", 0, "Cut is no class"),
        ("Yoga, staff: Ana, day: mon,", "Yoga, staff: Bruno, day: mon,", 0, "Bruno does not do Yoga"),
        ("day: mon, time", 'day: "mon, mon", time', 0, "a weekday is there twice"),
        # YAML
        ("address: Street 1", "address: Street 1\n    address: Street 2", 1, "is there twice: first in line"),
        ("address: Street 1", "address: &a Street 1", 0, "&a is a reference of YAML"),
        ("address: Street 1", "address: *a", 0, "*a is a reference of YAML"),
        ("address: Street 1", "address: !!python/name:os.system ''", 0, "is a tag of YAML"),
        ("slug: house", "slug: {", 2, "this is no YAML"),
        ("business:", "busyness:", 0, "did you mean 'business'"),
        ("timetable:", "--- # next\ntimetable:", 0, "a second document"),
        ("address: Street 1", 'address: "Street \\0 1"', 0, "no text: U+0000"),
        ("address: Street 1", "address: Street \x07 1", 0, "no text: U+0007"),
    ],
)  # fmt: skip
def test_errors_name_the_line(tmp_path: Path, right: str, wrong: str, offset: int, says: str) -> None:
    file, line = wrong_file(tmp_path, right, wrong)
    found = said(file)
    assert any(says in message for _, message in found), found
    if offset != -30:  # the service is far from whoever does not do it
        assert line + offset in [number for number, message in found if says in message], found


def test_all_errors_are_said_at_once(tmp_path: Path) -> None:
    text = (
        HOUSE.replace("duration: 30", "duration: 0")
        .replace("Europe/Madrid", "Mars/Base")
        .replace("units_max: 4", "units_max: many")
    )
    found = said(wrong_file(tmp_path, "slug: house", "slug: house", text)[0])
    assert [number for number, _ in found] == sorted(number for number, _ in found)
    assert len(found) == 3
    assert found[1][1].startswith("services.Cut.duration: ")


def test_at_most_twenty(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yml"
    file.write_text(HOUSE + "".join(f'  - {{service: Nothing{n}, day: mon, time: "9:00"}}\n' for n in range(50)))
    with pytest.raises(SeedError) as caught:
        read_seed(file)
    assert str(caught.value).splitlines()[-1].endswith("and 30 more")


@pytest.mark.parametrize(
    ("raw", "line", "says"),
    [
        (b"", 1, "the file is empty"),
        (b"# nothing but this\n", 1, "the file is empty"),
        (b"a: 1\nb: \xff\n", 2, "not UTF-8"),
        ("ñ".encode("utf-16"), 1, "not UTF-8"),
        (b"a: " + b"x" * 10_000_000, 1, "larger than 1 MB"),
        (b"[" * 100_000, 1, "too deep"),
        (b"just words", 1, "must be keys with values"),
        (b"- a\n- list\n", 1, "must be keys with values"),
        (b"? [a, b]\n: c\n", 1, "a key must be a word"),
        (b"a: [1, 2\n", 2, "this is no YAML"),
        (b"%YAML 9.0\n---\na: 1\n", 1, "this is no YAML"),
    ],
)
def test_files_that_are_none(tmp_path: Path, raw: bytes, line: int, says: str) -> None:
    file = tmp_path / "wrong.yml"
    file.write_bytes(raw)
    [(number, message)] = said(file) if b"keys" not in says.encode() else said(file)[:1]
    assert (number, says in message) == (line, True), message


def test_words_that_yaml_would_turn(tmp_path: Path) -> None:
    """Times, the language `no` and a phone number without quotes mean what they look like."""
    text = HOUSE.replace('day_from: "9:00"', "day_from: 9:00").replace('"Which length?"', '"Which length?", no: Lengde')
    file, _ = wrong_file(tmp_path, "slug: house", "slug: house", text)
    seed = read_seed(file).seed
    assert seed.by_name["Bike"].day_from == 540
    assert seed.by_name["Cut"].questions[1].text["no"] == "Lengde"


unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.dates()
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)


def only_a_seed_error(file: Path) -> None:
    with suppress(SeedError):
        read_seed(file)


@unhurried
@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_content_raises_anything_else(tmp_path: Path, raw: bytes) -> None:
    file = tmp_path / "any.yml"
    file.write_bytes(raw)
    only_a_seed_error(file)


def places_in(value: object, at: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, one in inner for place in places_in(one, (*at, key)))]


HOUSE_DATA = yaml.safe_load(HOUSE)
PLACES = [place for place in places_in(HOUSE_DATA) if place]
#: What stands somewhere in the file may well be wrong elsewhere.
PIECES = st.sampled_from(PLACES).map(lambda place: value_at(HOUSE_DATA, place))


def value_at(data: object, place: tuple[object, ...]) -> object:
    for step in place:
        data = data[step]  # type: ignore[index]
    return data


@settings(unhurried, max_examples=300)
@given(st.sampled_from(PLACES), values | PIECES)
def test_any_value_anywhere_raises_nothing_else(tmp_path: Path, place: tuple[object, ...], value: object) -> None:
    data = yaml.safe_load(HOUSE)
    value_at(data, place[:-1])[place[-1]] = value  # type: ignore[index]
    file = tmp_path / "any.yml"
    file.write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), encoding="utf-8", errors="surrogatepass")
    only_a_seed_error(file)


@unhurried
@given(st.sampled_from(SAMPLES), st.data())
def test_a_file_with_a_piece_cut_out_raises_nothing_else(tmp_path: Path, sample: Path, data: st.DataObject) -> None:
    text = sample.read_text()
    first = data.draw(st.integers(0, len(text) - 1))
    last = data.draw(st.integers(first, min(first + 200, len(text))))
    file = tmp_path / "any.yml"
    file.write_text(text[:first] + data.draw(st.sampled_from(["", " ", "\n", "'", "- ", ": ", "{"])) + text[last:])
    only_a_seed_error(file)


def test_a_large_file_is_read_in_good_time(tmp_path: Path) -> None:
    file = tmp_path / "large.yml"
    text = MARIGOLD.read_text()
    more = "".join(
        f"  - name: Service {n}\n    duration: 30\n    staff: nobody\n    names: {{en: S {n}, es: S {n}}}\n"
        for n in range(1900)
    )
    file.write_text(text.replace("\nstaff:\n", f"\n{more}\nstaff:\n", 1))
    assert len(read_seed(file).seed.services) == 1906
