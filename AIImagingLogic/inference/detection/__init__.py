"""Networks that give boxes: how they are fed and read, window by window, and where their boxes lie in the patient."""
