-- Schema 2.

-- Blocks of text that a feed repeats.

-- Silences, and deliveries that are held and released.

-- Full-text search.

-- Anything else.
