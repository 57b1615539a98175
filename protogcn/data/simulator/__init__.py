"""A seed -> raw files of simulated people: bodies, their actions, and the camera that sees them.

In reading order: ``kinematics`` (bodies and poses), ``motions``, ``actions``, ``performers``,
``sensor``, ``recordings`` (of a whole dataset), ``skeleton_text``, ``pose_estimator``,
``pose_files`` (how they are written).
"""
