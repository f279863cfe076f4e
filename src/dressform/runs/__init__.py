"""Run directories: their layout, their records and the ledger of test evaluations. No torch."""
