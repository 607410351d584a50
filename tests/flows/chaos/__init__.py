"""Everything dies at random while customers book: what was promised must hold in the end (docs/channels.md)."""
