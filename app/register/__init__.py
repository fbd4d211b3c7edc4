"""The record: the only code that changes a closure. Every change is one transaction with its revision and log entry."""
