"""The dataset browser: datasets, runs, tags, exports and sharing of the local platform.

`call` has `browse_datasets`; `facts` reads through the client, `text` and `layout` say it, `work` exports and
downloads, `panel` is the live form.
"""
