"""Raw files -> joints -> six modalities, as arrays on disk.

In reading order: ``read_dataset`` (chooses the reader), ``preparation`` (normalises a clip),
``ranges`` and its parts ``scale``, ``strays`` and ``units`` (what is odd about the numbers),
``copies`` (equal clips), ``inventory`` (what stops the workflow, and what a user should know),
``bones`` (the six modalities), ``clip_list``, ``pose_shards``. Rooms: ``readers`` for each format,
``simulator`` for the demo. Commands: ``check_dataset``, ``demo``, ``decompress``, ``list_clips``,
``joints``, ``modality``.
"""
