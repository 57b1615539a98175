"""Arrays on disk -> the bodies of a batch, on the network's device.

In reading order: ``clip_store`` (a split in memory), ``sampling`` (which frames), ``augment``,
``bodies`` (clips without their empty persons), ``batch`` (all of this), ``prefetch`` (the next
batch, in a thread), ``device``, ``parallel`` (several processes share a batch).
"""
