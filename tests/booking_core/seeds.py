"""Files of businesses for the tests: the samples, and a small one that is easily made wrong."""

from pathlib import Path

SEEDS = Path(__file__).parents[2] / "data" / "seeds"
MARIGOLD = SEEDS / "marigold.yml"
SAMPLES = sorted(SEEDS.glob("*.yml"))

#: A house with everything that can be wrong in a file.
HOUSE = """\
business:
  slug: house
  name: House
  timezone: Europe/Madrid
  currency: EUR
  locale: en-GB
  policy: {late_fee: "5.00", lead_time: 60}
  settings: {phone: "+34 910 000 000", since: 2019-05-01}
locations:
  - name: Main
    address: Street 1
    languages: [es, en]
    hours: {mon-fri: "9:00-18:00"}
    holidays: [2026-12-25]
    dates: {2026-12-24: "9:00-14:00"}
  - name: Zurich
    address: Gasse 2
    timezone: Europe/Zurich
    currency: CHF
resources:
  - {kind: room, name: Room, units: 2}
  - {kind: room, name: Zimmer, location: Zurich}
services:
  - name: Cut
    duration: 30
    needs: {room: 1}
    price: "30.00"
    deposit: "20%"
    payment: deposit
    at:
      Zurich: {price: "40.00"}
    limits: {day: 5, month: 40}
    questions:
      - {key: first, text: {en: "First visit?"}, kind: yes_no}
      - {key: wish, text: {en: "Which length?"}, kind: choice, choices: {long: {en: Long}, short: {en: Short}}}
      - {key: why, text: {en: "Why?"}, when: {first: yes, wish: long}}
  - name: Colour
    duration: 90
    processing_from: 30
    processing: 30
    staff: [main, assistant]
    price: "60.00"
    add_ons:
      - {name: Gloss, minutes: 10, price: "12.00"}
  - name: Package
    segments:
      - service: Cut
      - {service: Colour, max_wait: 15, same_staff: yes}
    at: {Zurich: not offered}
  - name: Yoga
    duration: 60
    capacity: 8
    max_party: 2
    needs: {room: 2}
    price: "15.00"
  - name: Room by the hour
    unit: hour
    units_max: 4
    staff: nobody
    needs: {room: 1}
    price: "20.00"
    at: {Zurich: {price: "25.00"}}
  - name: Bike
    unit: day
    units_max: 5
    day_from: "9:00"
    day_until: "18:00"
    staff: nobody
    price: "25.00"
    at: {Zurich: not offered}
staff:
  - name: Ana
    aliases: [Anna]
    services:
      Cut: {price: "32.00", limits: {day: 3}}
      Colour: {duration: 100}
      Yoga:
    hours: {mon-fri: ["9:00-13:00", "14:00-18:00"]}
    dates: {2026-12-28: closed, 2026-12-29: "10:00-12:00"}
    time_off:
      - {from: 2027-01-04, until: 2027-01-08, note: away}
      - {from: "2027-02-01 10:00", until: "2027-02-01 12:00", kind: block}
    zones: [{timezone: Europe/London, first_day: 2027-03-01, last_day: 2027-03-05}]
    limits: {day: 9, week: 30}
  - name: Bruno
    services:
      Colour: {role: assistant}
    hours: {mon-fri: "9:00-18:00"}
  - name: Clara
    location: Zurich
    services:
      Cut:
    hours: {mon: "9:00-18:00"}
timetable:
  - {service: Yoga, staff: Ana, day: "mon, wed", time: "18:00", first_day: 2026-09-01, last_day: 2027-06-30}
  - {service: Yoga, staff: Ana, day: mon, time: "19:00", capacity: 4}
"""


def wrong_file(folder: Path, right: str, wrong: str, text: str = HOUSE) -> tuple[Path, int]:
    """Write a file with one thing changed, and return the line of the change."""
    assert right in text, right
    file = folder / "wrong.yml"
    file.write_text(text.replace(right, wrong, 1))
    return file, text[: text.index(right)].count("\n") + 1
