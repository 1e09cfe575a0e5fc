"""The Worklist Service, UPS-RS (PS3.18 11), on the very rows that are the gateway's jobs.

rows holds the locked transitions that inside workers and outside performers share; operations are
the transactions, search the search, subscriptions and notifications who is told of what.
"""
