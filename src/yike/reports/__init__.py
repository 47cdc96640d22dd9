"""Results to tables, pages and evidence."""
