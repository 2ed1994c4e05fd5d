"""Connections whose other end must answer in time."""
