# Every target sets up what it needs: see tools/in-environment. BLENDER_SERIES=4.5 or 5.2 chooses the Blender.
RUN := tools/in-environment

.PHONY: help demo plant test test-export test-export-full test-cluster test-corpus docs soak bench-accuracy bench-speed lint build format encoder requirements pinned clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: ## the main job: CAD to references, database and F1, in build/demo/
	@$(RUN) python examples/station/demo.py

plant: ## six small stations from CAD to F1 on two local workers of a cluster, in build/plant/
	@$(RUN) python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/cluster.txt
	@$(RUN) python examples/plant/demo.py --cluster local --jobs 2

test: ## the test suite
	@$(RUN) python -m pytest

test-export: ## the exporter beside PyTorch and transformers, for all sizes of the encoder
	@ENVIRONMENT=export $(RUN) python -m pytest --noconftest tests/tools/test_export_dinov2.py

test-export-full: ## the exporter beside transformers for ViT-g/14 at its full depth: 6 GB of memory, 10 GB of disk
	@ENVIRONMENT=export $(RUN) python -m synthetic_similarity_search.tests.tools.full_depth

test-cluster: ## a plant on a Dask cluster beside the same plant without one
	@$(RUN) python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/cluster.txt
	@$(RUN) python -m pytest tests/scene/test_cluster.py tests/product/test_documentation.py -k 'test_cluster or plant.md'

test-corpus: ## STEP files of several schemas and units beside what Open CASCADE says of them, under Blender 5.2
	@BLENDER_SERIES=5.2 $(RUN) pip install --quiet --disable-pip-version-check --require-hashes -r requirements/corpus.txt
	@BLENDER_SERIES=5.2 $(RUN) python -m pytest tests/scene/test_cad_corpus.py

soak: ## long fuzzing, a long job, then every fault and hostile input, in docs/RELIABILITY.md; MINUTES=10 for each target
	@BLENDER_SERIES=5.2 $(RUN) pip install --quiet --disable-pip-version-check --require-hashes -r requirements/fuzz.txt
	@BLENDER_SERIES=5.2 $(RUN) python tests/fuzz --seconds $$(($(or $(MINUTES),10) * 60))
	@BLENDER_SERIES=5.2 $(RUN) python tests/long_run.py
	@$(MAKE) --no-print-directory test-corpus
	@BLENDER_SERIES=5.2 $(RUN) python -m pytest -m reliability --reliability=docs/RELIABILITY.md

bench-accuracy: ## F1 on real and simulated photographs, in build/accuracy.json and benchmarks/ACCURACY.md
	@$(RUN) python benchmarks/accuracy.py

bench-speed: ## the whole job beside what one would use instead, in build/speed.json and benchmarks/SPEED.md
	@$(RUN) python benchmarks/speed.py

lint: ## style and types
	@$(RUN) tools/lint

docs: ## the documentation site, in build/documentation/site/
	@ENVIRONMENT=docs $(RUN) python tools/build_documentation.py

build: ## the extension's zips for all platforms, in dist/; PLATFORM=linux-x64 for one, FLAVOUR=gpu for NVIDIA GPUs
	@$(RUN) python tools/build_extension.py $(if $(PLATFORM),--platform $(PLATFORM)) $(if $(FLAVOUR),--flavour $(FLAVOUR))

format: ## let ruff fix what it can
	@$(RUN) ruff check --fix .
	@$(RUN) ruff format .

encoder: ## put the image encoder in place and say whose weights it has
	@$(RUN) true

requirements: ## pin the packages anew from the lists *.in in requirements/ and wheels/ (needs uv)
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 wheels/requirements.in -o wheels/requirements.txt
	uv pip compile --quiet --generate-hashes --no-emit-index-url --python-version 3.11 requirements/blender-4.5.in -o requirements/blender-4.5.txt
	uv pip compile --quiet --generate-hashes --no-emit-index-url --python-version 3.13 requirements/blender-5.2.in -o requirements/blender-5.2.txt
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 requirements/docs.in -o requirements/docs.txt
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 requirements/cluster.in -o requirements/cluster.txt

pinned: ## name and version of every package that is fetched
	@grep -hoE '^[a-z0-9-]+==[^ ;]+' requirements/*.txt wheels/*.txt | sort -u

clean: ## remove what was made, but not the environments and the encoder
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
