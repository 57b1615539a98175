"""Arrays on disk -> the bodies of a batch, on the network's device.

In reading order: ``clip_store`` (a split in memory), ``sampling`` (which frames), ``resizing`` (or
which places between them), ``augment``, ``bone_lengths``, ``views`` (joints as a modality),
``bodies`` (clips without their empty persons), ``batch`` (all of this), ``prefetch`` (the next
batch, in a thread), ``device``, ``parallel`` (several processes share a batch).
"""
