// The full page: a thread in the document.
{
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const settings = { ...read("settings"), origin: location.origin };
  openThread(document, document.getElementById("room"), { words: read("words"), settings, kept: keeper(settings.slug) });
}
