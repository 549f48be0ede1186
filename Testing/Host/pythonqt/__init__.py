"""Qt as PythonQt shows it: wrappers around PySide6 objects that refuse what PythonQt refuses."""

from Testing.Host.pythonqt.instances import InstanceWrapper, unwrap, wrap, wrapper_class

__all__ = ["InstanceWrapper", "unwrap", "wrap", "wrapper_class"]
