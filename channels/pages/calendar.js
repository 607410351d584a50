// Times to choose from as a calendar: the days that have some, then the times of one, on the business's own clock.
function calendar(times, { words, format, tap }) {
  const DAY = 864e5, WEEKS = 6;
  const write = (date, options) => format(date, { ...options, timeZone: "UTC" });
  const days = new Map(); // midnight -> its times
  for (const time of [...times].sort((a, b) => wall(a.starts) - wall(b.starts))) {
    const day = Math.floor(wall(time.starts) / DAY) * DAY;
    days.set(day, [...(days.get(day) ?? []), time]);
  }
  const known = new Intl.Locale(format.locale);
  const { firstDay = 1 } = known.getWeekInfo?.() ?? known.weekInfo ?? {};
  const weekOf = (day) => day - ((new Date(day).getUTCDay() - firstDay + 7) % 7) * DAY;
  const offered = [...days.keys()], first = weekOf(offered[0]), last = weekOf(offered.at(-1));
  let weeks = Array.from({ length: (last - first) / DAY / 7 + 1 }, (_, n) => first + n * 7 * DAY);
  if (weeks.length > WEEKS) weeks = [...new Set(offered.map(weekOf))];

  const month = new Intl.DateTimeFormat(format.locale, { month: "long", year: "numeric", timeZone: "UTC" });
  const grid = make("div", "grid");
  for (let n = 0; n < 7; n += 1) grid.append(having(make("span", "", write(first + n * DAY, { weekday: "short" })), { "aria-hidden": true }));
  const box = having(make("div", "calendar", make("div", "month", month.formatRange(offered[0], offered.at(-1))), grid), { role: "group", "aria-label": words.times });
  const list = having(make("div", "times"), { role: "group" });
  const buttons = new Map();

  function choose(day) {
    for (const [each, button] of buttons) button.setAttribute("aria-pressed", each === day);
    const full = write(day, { weekday: "long", day: "numeric", month: "long" });
    list.setAttribute("aria-label", full);
    list.replaceChildren(make("div", "month", full), ...days.get(day).map((time) => {
      const clock = write(wall(time.starts), { hour: "numeric", minute: "2-digit" });
      const alone = days.get(day).filter((other) => other.starts === time.starts).length === 1;
      const who = time.people ?? "";
      const button = having(make("button", "choice", alone ? [clock, who].filter(Boolean).join(" · ") : time.label), { type: "button" });
      if (alone) button.setAttribute("aria-label", [clock, full, who].filter(Boolean).join(", "));
      button.addEventListener("click", () => tap(time));
      return button;
    }));
  }
  for (const week of weeks) for (let day = week; day < week + 7 * DAY; day += DAY) {
    const number = write(day, { day: "numeric" });
    if (!days.has(day)) { grid.append(having(make("span", "", number), { "aria-hidden": true })); continue; }
    const button = having(make("button", "", number), { type: "button", "aria-label": write(day, { weekday: "long", day: "numeric", month: "long" }) });
    button.addEventListener("click", () => choose(day));
    buttons.set(day, button);
    grid.append(button);
  }
  choose(offered[0]);
  box.append(list);
  return box;
}
