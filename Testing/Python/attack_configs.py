"""Values of bundle configurations that would run code, read elsewhere or grow without end."""

from __future__ import annotations

from typing import Any

CANARY = "CANARY"
"""Stands for the path that an attack touches when it has its way."""

CONFIG_ATTACKS: dict[str, Any] = {
    "$ imports a module": f"$__import__('os').system('touch {CANARY}')",
    "$ calls a module that the configuration imports": f"$os.system('touch {CANARY}')",
    "$ calls a module under another name": f"$harmless.system('touch {CANARY}')",
    "$ opens a file": f"$open('{CANARY}', 'w')",
    "$ evaluates text": "$eval('1')",
    "$ climbs from a tuple to all classes": "$().__class__.__base__.__subclasses__()",
    "$ climbs by getattr": "$getattr((), '__cla' + 'ss__')",
    "$ climbs by text formatting": "$'{0.__class__.__base__}'.format(())",
    "$ climbs by an f-string": "$f'{().__class__}'",
    "$ climbs from a function": f"$(lambda x: x).__globals__['os'].system('touch {CANARY}')",
    "$ climbs from a library to a module": f"$torch.os.system('touch {CANARY}')",
    "$ climbs from a network to a module": "$monai.networks.nets.unet.warnings.sys.modules['os'].getcwd()",
    "$ climbs from an allowed constructor": "$torch.nn.Conv2d.forward.__globals__",
    "$ walks in a comprehension": f"$[m for m in [__import__('os')] if m.system('touch {CANARY}')]",
    "$ saves by torch": f"$torch.save([1], '{CANARY}')",
    "$ loads a pickle by torch outside the package": "$torch.load('/etc/passwd')",
    "$ reads a file outside the package": "$pathlib.Path('../../../../../../etc/passwd').read_text()",
    "$ writes by pathlib": f"$pathlib.Path('{CANARY}').write_text('x')",
    "$ makes folders": f"$os.makedirs('{CANARY}')",
    "$ power without end": "$9**9**9**9",
    "$ text without end": "$'a' * 10**10",
    "$ list without end": "$[0] * 10**10",
    "$ range without end": "$list(range(10**12))",
    "$ loops without end": "$[1 for a in range(90000) for b in range(90000)]",
    "$ list doubled again and again": "$" + "[" * 120 + "0" + "]" * 120 + "*9999" * 8,
    "$ many long lists": "$[[0] * 99999 for i in range(9000)]",
    "$ arrays that grow together": (
        "$torch.tensor(list(range(40000))).unsqueeze(0) + torch.tensor(list(range(40000))).unsqueeze(1)"
    ),
    "$ arrays one after the other": "$torch.cat([torch.tensor(list(range(1000)))] * 9000)",
    "$ saves in a function": {"_target_": "Lambda", "func": f"$lambda x: torch.save(x, '{CANARY}')"},
    "$ climbs in a function": {"_target_": "Lambda", "func": "$lambda x: x.__class__"},
    "$ opens a file in a function": {"_target_": "Lambda", "func": f"$lambda x: open('{CANARY}', 'w')"},
    "$ assigns": "$(x := 5)",
    "$ waits": "$(await x)",
    "_target_ os.system": {"_target_": "os.system", "command": f"touch {CANARY}"},
    "_target_ builtins.eval": {"_target_": "builtins.eval", "source": f"open('{CANARY}', 'w')"},
    "_target_ builtins.exec": {"_target_": "builtins.exec", "source": f"open('{CANARY}', 'w')"},
    "_target_ subprocess.Popen": {"_target_": "subprocess.Popen", "args": ["touch", CANARY]},
    "_target_ functools.partial": {"_target_": "functools.partial", "func": "x"},
    "_target_ monai.bundle.run": {"_target_": "monai.bundle.run", "config_file": CANARY},
    "_target_ monai.bundle.ConfigParser": {"_target_": "monai.bundle.ConfigParser", "config": {"a": "$1"}},
    "_target_ monai.transforms.SaveImage": {"_target_": "SaveImage", "output_dir": CANARY},
    "_target_ behind an allowed module": {
        "_target_": "monai.networks.nets.unet.warnings.sys.exit",
    },
    "_target_ torch.load through a module": {"_target_": "torch.nn.modules.module.torch.load", "f": CANARY},
    "_target_ torch.hub.load": {"_target_": "torch.hub.load", "repo_or_dir": "a/b", "model": "c"},
    "_target_ code of the package": {"_target_": "scripts.net.Network"},
    "_target_ compiles code": {"_target_": "monai.networks.layers.GaussianMixtureModel"},
    "_target_ callable mode": {"_target_": "UNet", "_mode_": "debug"},
    "_target_ reads text as an expression": {"_target_": "$__import__('os').system"},
    "a network of absurd size": {
        "_target_": "UNet",
        **{"spatial_dims": 3, "in_channels": 1, "out_channels": 2, "channels": [2**40, 2**40], "strides": [2]},
    },
    "a network of an absurd number of weights": {
        "_target_": "torch.nn.Linear",
        **{"in_features": 2**20, "out_features": 2**20},
    },
    "a reference to itself": "@attack",
    "references in a circle": {"a": "@attack::b", "b": "@attack::a"},
    "a macro of itself": "%attack",
    "macros in a circle": {"a": "%attack::b", "b": "%attack::a"},
    "a macro out of the package": "%../../../../../../etc/passwd.json::a",
    "a macro of an absolute path": "%/etc/secret.json",
}


def config_of(attack: Any, canary: str) -> dict[str, Any]:
    """Return a configuration that holds the attack under ``attack``."""

    def placed(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace(CANARY, canary)
        if isinstance(value, dict):
            return {key: placed(item) for key, item in value.items()}
        return [placed(item) for item in value] if isinstance(value, list) else value

    imports = ["$import os", "$import os as harmless", "$import torch", "$import monai", "$import pathlib"]
    return {"imports": imports, "attack": placed(attack)}
