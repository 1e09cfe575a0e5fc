"""HTTP: one file a noun. A router turns a request into a call and a value into a reply."""
