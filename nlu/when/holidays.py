"""Days of the year that people book around, by rule."""

from __future__ import annotations

from datetime import date, timedelta

_FIXED = {
    "new_years_day": (1, 1), "new_years_eve": (12, 31), "epiphany": (1, 6), "epiphany_eve": (1, 5), "valentine": (2,
    14), "st_patrick": (3, 17),
    "april_fools": (4, 1), "labour_day": (5, 1), "st_john": (6, 24), "independence_us": (7, 4), "bastille": (7, 14),
    "assumption": (8, 15),
    "unity_de": (10, 3), "hispanic_day": (10, 12), "halloween": (10, 31), "reformation": (10, 31), "all_saints":
    (11, 1), "all_souls": (11, 2),
    "armistice": (11, 11), "st_nicholas": (12, 6), "constitution_es": (12, 6), "immaculate": (12, 8),
    "christmas_eve": (12, 24), "christmas": (12, 25),
    "boxing_day": (12, 26), "brazil_independence": (9, 7), "aparecida": (10, 12), "brazil_republic": (11, 15),
    "tiradentes": (4, 21), "portugal_day": (6, 10),
    "portugal_liberty": (4, 25), "portugal_republic": (10, 5), "portugal_restoration": (12, 1),
    "mexico_independence": (9, 16), "womens_day": (3, 8), "victory_fr": (5, 8), "groundhog": (2, 2), "veterans":
    (11, 11), "juneteenth": (6, 19), "australia_day": (1, 26), "anzac": (4, 25), "canada_day": (7, 1), "guy_fawkes":
    (11, 5), "kings_day": (4, 27), "liberation_nl": (5, 5), "liberation_it": (4, 25), "republic_it": (6, 2),
    "st_stephen": (12, 26), "sweden_day": (6, 6), "russia_day": (6, 12), "poland_independence": (11, 11),
    "poland_constitution": (5, 3), "dead_day": (11, 2), "st_george": (4, 23), "st_joseph": (3, 19), "brazil_lovers":
    (6, 12), "children_tr": (4, 23), "lovers_de": (2, 14), "earth_day": (4, 22), "china_national": (10, 1),
    "teachers_day": (9, 10),
}  # fmt: skip
_EASTER = {
    "easter": 0, "easter_monday": 1, "good_friday": -2, "maundy_thursday": -3, "palm_sunday": -7, "ash_wednesday":
    -46, "shrove_tuesday": -47,
    "carnival": -47, "carnival_monday": -48, "ascension": 39, "pentecost": 49, "whit_monday": 50, "corpus_christi":
    60, "holy_saturday": -1, "mothering_sunday": -21,
}  # fmt: skip
# (month, weekday, n-th): negative counts from the end of the month.
_NTH = {
    "thanksgiving": (11, 3, 4), "labor_day_us": (9, 0, 1), "memorial_day": (5, 0, -1), "mothers_day_2nd": (5, 6, 2),
    "mothers_day_1st": (5, 6, 1),
    "mothers_day_last": (5, 6, -1), "fathers_day": (6, 6, 3), "mlk": (1, 0, 3), "presidents_day": (2, 0, 3),
    "columbus_day": (10, 0, 2), "thanksgiving_ca": (10, 0, 2),
    "fathers_day_br": (8, 6, 2), "may_bank_holiday": (5, 0, 1), "spring_bank_holiday": (5, 0, -1),
    "august_bank_holiday": (8, 0, -1),
}  # fmt: skip


def easter(year: int) -> date:
    """Return Easter Sunday of the western churches (Meeus, Jones and Butcher)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


def nth_weekday(year: int, month: int, weekday: int, count: int) -> date | None:
    """Return the n-th weekday of a month, from its end when n is negative."""
    first = date(year, month, 1)
    following = date(year + month // 12, month % 12 + 1, 1)
    if count > 0:
        day = first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (count - 1))
        return day if day < following else None
    last = following - timedelta(days=1)
    day = last - timedelta(days=(last.weekday() - weekday) % 7 + 7 * (-count - 1))
    return day if day >= first else None


def holiday_on(name: str, year: int) -> date | None:
    """Return the date of a holiday in a year, or None for an unknown name or a year the calendar does not reach."""
    if not 1583 <= year <= 4000:
        return None
    if name in _FIXED:
        return date(year, *_FIXED[name])
    if name in _EASTER:
        return easter(year) + timedelta(days=_EASTER[name])
    if name in _NTH:
        return nth_weekday(year, *_NTH[name])
    if name in ("black_friday", "cyber_monday"):
        thursday = nth_weekday(year, 11, 3, 4)
        return thursday + timedelta(days=1 if name == "black_friday" else 4) if thursday else None
    if name.startswith("advent"):
        fourth = date(year, 12, 24) - timedelta(days=(date(year, 12, 24).weekday() - 6) % 7)
        return fourth - timedelta(days=7 * (4 - int(name[-1])))
    if name == "midsummer":
        return date(year, 6, 19) + timedelta(days=(4 - date(year, 6, 19).weekday()) % 7)
    return None
