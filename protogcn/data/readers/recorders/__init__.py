"""The files that recorders of poses write -> persons in frames, chosen by what is in a file.

In reading order: ``recording`` (what all of them give), ``recorder_json`` (which of them wrote a
file), ``openpose``, ``kinetics_skeleton``, ``azure_kinect``, ``nw_ucla``, ``coco_results`` (MMPose
and AlphaPose). The csv of MediaPipe is one of the forms that all csv files may have.
"""
