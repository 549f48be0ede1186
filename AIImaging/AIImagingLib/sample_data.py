"""Entries of Slicer's Sample Data module: the phantom, made here, and real images, downloaded on the user's click."""


def register_sample_data():
    """Add what Resources/sample_data.json lists to the Sample Data module. Reads one small file; downloads nothing."""
    import SampleData
    import slicer

    from AIImagingLogic.records.resources import load_resource, resource_path

    content = load_resource("sample_data.json")
    category = content["category"]
    register = SampleData.SampleDataLogic.registerCustomSampleDataSource
    SampleData.SampleDataLogic.registerCustomSampleDataCategory(category, title=content["title"])
    registered = {source.sampleName for source in SampleData.SampleDataLogic.sampleDataSourcesByCategory(category)}
    thumbnail = str(resource_path("icons/AIImaging.png"))
    for entry in (content["phantom"], *content["downloads"]):
        if entry["name"] in registered:
            continue
        files = entry.get("files", [])
        register(
            category=category,
            sampleName=entry["name"],
            thumbnailFileName=thumbnail,
            # Without an address nothing can be downloaded by accident.
            uris=[file["url"] for file in files],
            fileNames=[file["file"] for file in files],
            nodeNames=[file["node"] for file in files],
            checksums=[f"SHA256:{file['sha256']}" for file in files],
            customDownloader=None if files else _make_phantom,
        )
        # The text under the button; what registers takes none.
        slicer.modules.sampleDataSources[category][-1].sampleDescription = description(entry)


def _make_phantom(source):
    from AIImagingLib.chest_phantom import make_chest_phantom

    make_chest_phantom()


def description(entry):
    """Return what is said of an entry of Resources/sample_data.json: name, size, licence, source."""
    size = sum(file["bytes"] for file in entry.get("files", []))
    facts = [f"{size / 1e6:.1f} MB"] if size else []
    return "\n".join([entry["name"], ", ".join([*facts, entry["licence"]]), entry["source"]])
