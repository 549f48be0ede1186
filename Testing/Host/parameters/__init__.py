"""`slicer.parameterNodeWrapper`: typed parameters on a real node of the scene, shown in widgets."""
