"""The output of a command -> the input of the next: files written whole, checked when read.

In reading order: ``paths`` (where every file lies), ``contracts`` (written whole or not at all,
checked on load), ``csv_table``, ``arrays`` (memory-mapped, with a digest), ``clip_table``,
``spreadsheet`` (csv tables for people), ``history`` (of a training), ``events`` (the same for
TensorBoard), ``scores``, ``score_origin`` (what they say of it), ``ensemble`` (which runs a table
fuses), ``weights`` (learned ones), ``manifest`` (what a table or figure was made from),
``progress`` (of a training), ``provenance`` (versions, commit, hardware),
``sources`` (what a product was made from), ``texts`` (embeddings of texts about classes),
``plain_arrays`` (in files of any origin), ``temporary`` (a folder of one's own), ``refusals`` (why
a file cannot be written) and ``kind`` (what a file of any origin is), both for messages, and
``first_look`` (at its size and start, before it is read).
"""
