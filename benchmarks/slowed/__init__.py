"""The reference application, really made worse by so much: what a release gate has to notice. `slowed.py`
goes into an image of its own, beside the application, which knows nothing of it (Dockerfile)."""
