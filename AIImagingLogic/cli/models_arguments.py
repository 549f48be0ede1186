"""The arguments of `aiimaging models`."""

from __future__ import annotations

import argparse
from pathlib import Path

_TASKS = ("segment", "detect", "rescore", "outline", "refine", "classify", "register")


def add_models(parser: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    """Give `parser` the actions of `aiimaging models`; `common` is the parent of each."""
    actions = parser.add_subparsers(required=True, metavar="ACTION", dest="action")

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return actions.add_parser(name, parents=[common], help=text, description=text)

    listed = add("list", "list the models of the catalogue and those that you imported")
    listed.add_argument("--task", choices=_TASKS)
    listed.add_argument("--modality", metavar="CODE", help="as in DICOM: CT, MR, MG, …")
    listed.add_argument("--anatomy", metavar="WORD", help="only models with this word in their anatomy or name")
    listed.add_argument("--installed", action="store_true", help="only models that are on this computer")

    show = add("show", "show the card of a model: use, limits, licence, labels, published figures, files")
    show.add_argument("model", metavar="MODEL")

    get = add("get", "fetch models over https; broken downloads go on the next time")
    get.add_argument("models", nargs="+", metavar="MODEL")
    _add_accept_licence(get)
    get.add_argument(
        "--accept-changed", action="store_true", help="take a file without a published hash although it has changed"
    )

    _add_run(
        add("run", "run any model on images, as the command for its task does: segment, detect, classify, register")
    )

    imported = add("import", "take in a model's folder, zip archive or file")
    imported.add_argument("path", type=Path, metavar="PATH")
    of = imported.add_mutually_exclusive_group(required=True)
    of.add_argument("--model", metavar="MODEL", help="of the catalogue: PATH was fetched by hand")
    of.add_argument("--card", type=Path, metavar="FILE.json", help="the card of a model of your own")

    verify = add("verify", "read the files of models again and compare them with their hashes")
    verify.add_argument("models", nargs="*", metavar="MODEL", help="without any, all")

    remove = add("remove", "delete models from this computer")
    remove.add_argument("models", nargs="*", metavar="MODEL")
    remove.add_argument("--unfinished", action="store_true", help="delete what came of broken downloads, too")

    export = add("export-pack", "write models into one file, for a computer without a network")
    export.add_argument("output", type=Path, metavar="FILE.zip")
    export.add_argument("models", nargs="+", metavar="MODEL")

    import_pack = add("import-pack", "take in the models of such a file")
    import_pack.add_argument("path", type=Path, metavar="FILE.zip")
    _add_accept_licence(import_pack)

    trust = add("trust", "let a package run code of its own, as long as no byte of it changes; without one, list them")
    trust.add_argument("package", nargs="?", metavar="PATH|HASH", help="the hash is in the refusal")
    trust.add_argument("--what", metavar="WORDS", help="what to call it in the list")

    distrust = add("distrust", "let a package run code no longer")
    distrust.add_argument("package", metavar="PATH|HASH")

    _add_corrections(add("corrections", "keep corrected cases in a folder of your own, once you switched that on"))
    _add_finetune(add("finetune", "adapt a segmentation network on corrected cases, as a new package"))


def _add_run(run: argparse.ArgumentParser) -> None:
    run.add_argument("model", metavar="MODEL", help="id of a built-in or installed model, or path of a model package")
    several = "DICOM folder or file, NIfTI, NRRD, MHA or picture; of a model with several inputs, each in its order"
    run.add_argument("images", type=Path, nargs="+", metavar="IMAGE", help=several)
    run.add_argument("--series", metavar="UID", help="of one image: the series of a DICOM folder; else the main one")
    output = "FILE.seg.nrrd of a model that segments, else a folder"
    run.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help=output)
    run.add_argument("--overwrite", action="store_true", help="replace an earlier result in the folder OUT")
    run.add_argument(
        "--explain", default="", metavar="CLASS", help="heat map of this class, of a model that classifies"
    )


def _add_corrections(corrections: argparse.ArgumentParser) -> None:
    corrections.add_argument("do", choices=("on", "off", "list", "add", "remove"))
    corrections.add_argument("dataset", type=Path, metavar="FOLDER")
    corrections.add_argument("items", nargs="*", metavar="IMAGE|CASE", help="add: the model's inputs; remove: ids")
    corrections.add_argument("--corrected", type=Path, metavar="FILE.seg.nrrd", help="add: the corrected labels")
    corrections.add_argument("--proposal", type=Path, metavar="FILE.seg.nrrd", help="add: what the model proposed")


def _add_finetune(finetune: argparse.ArgumentParser) -> None:
    finetune.add_argument("model", metavar="MODEL", help="id of an installed model, or path of a model package")
    finetune.add_argument("dataset", type=Path, metavar="DATASET", help="folder of corrected cases")
    finetune.add_argument("-o", "--output", type=Path, required=True, metavar="NEW", help="folder of the new package")
    finetune.add_argument("--seed", type=int, default=0)
    finetune.add_argument("--rounds", type=int, default=30, metavar="N", help="at most so many over the cases")
    finetune.add_argument("--learning-rate", type=float, default=5e-4, metavar="RATE")
    finetune.add_argument("--minutes", type=float, default=30.0, metavar="M", help="no new round begins after these")


def _add_accept_licence(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--accept-licence", action="store_true", help="you have read the licences and accept them")
