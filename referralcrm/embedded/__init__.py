"""PostgreSQL, Valkey and the product's own processes on one machine (docs/decisions)."""
