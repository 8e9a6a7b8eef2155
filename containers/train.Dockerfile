# The pipeline on an NVIDIA GPU, with TensorFlow. Build it in the project's folder, and run it on a clone of yours:
#   docker build -f containers/train.Dockerfile -t realage-train .
#   docker run --gpus all -v "$PWD:/project" --user "$(id -u):$(id -g)" realage-train repro

FROM nvidia/cuda:12.8.1-base-ubuntu24.04
# DVC needs Git. Ubuntu 24.04 has Python 3.12; the updates of these packages are wanted.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git python3 python3-venv \
    && rm -rf /var/lib/apt/lists/* \
    && python3 -m venv /venv
ENV PATH=/venv/bin:$PATH PYTHONPATH=/project HOME=/tmp
COPY requirements-gpu.txt /tmp/
RUN python -m pip install --no-cache-dir --require-hashes -r /tmp/requirements-gpu.txt
WORKDIR /project
USER 1000
ENTRYPOINT ["dvc"]
