"""Tables, figures and pages -> what they were made from, whether that is true, why two differ.

In reading order: ``record`` (a command's arguments and files, kept as a manifest), ``remake`` (a
manifest -> its files, made again), ``differences`` (of a file and the one made again), ``check``
(of all that a manifest says), ``bundle_file`` (zip files of results), ``compact`` (scores in
float16), ``evidence`` (what is known of a result), ``reasons`` (why two differ). Commands:
``verify``, ``diff``, ``bundle``.
"""
