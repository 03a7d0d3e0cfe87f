"""Novel Engine: campaigns and narratives over HTTP. SQLite holds what lasts; Redis is cache, session store
and queue.

Modules, each importing only those before it: settings, metrics, logs, accounts, rate_limit, database,
manuscripts, redis_store, narrator, web, __main__ (the server).
"""
