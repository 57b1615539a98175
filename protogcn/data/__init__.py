"""Raw files -> joints -> six modalities, as arrays on disk.

In reading order: ``read_dataset`` (chooses the reader), ``preparation`` (normalises a clip),
``ranges`` and its parts ``scale``, ``strays``, ``units``, ``image_ranges`` (what is odd about
numbers), ``copies`` (equal clips), ``subjects``, ``held_out``, ``sides``, ``inventory`` (what stops
the workflow, and what a user should know), ``bones`` (the six modalities), ``clip_list``,
``label_lists`` (other codes' lists of clips), ``pose_shards``, ``class_texts`` (what GAP reads of a
class). Rooms: ``readers`` for each format, ``simulator`` for the demo. Commands: ``check_dataset``,
``demo``, ``decompress``, ``list_clips``, ``joints``, ``modality``, ``embed_texts``.
"""
