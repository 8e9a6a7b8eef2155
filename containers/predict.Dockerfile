# The HTTP service of a model, without TensorFlow. Build it in the project's folder:
#   docker build -f containers/predict.Dockerfile -t realage .
# The model is not in the image: mount it as /model/age.onnx.

FROM python:3.12.8-slim-bookworm AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE requirements*.in ./
COPY realage realage
# The version is that of a Git tag, and .git is not copied.
ARG VERSION=0.2
ENV SETUPTOOLS_SCM_PRETEND_VERSION=$VERSION
RUN python -m pip wheel --no-cache-dir --no-deps --wheel-dir /wheel .

FROM python:3.12.8-slim-bookworm
COPY requirements-serve.txt /tmp/
RUN python -m pip install --no-cache-dir --require-hashes --only-binary :all: -r /tmp/requirements-serve.txt
COPY --from=build /wheel /tmp/wheel
RUN python -m pip install --no-cache-dir --no-deps /tmp/wheel/*.whl && useradd --system --no-create-home --uid 10001 realage
USER 10001
# With a read-only file system nothing can be written, not even Python's caches.
ENV PYTHONDONTWRITEBYTECODE=1
EXPOSE 8000
HEALTHCHECK --start-period=20s CMD ["python", "-c", "import urllib.request as web; web.urlopen('http://127.0.0.1:8000/readyz')"]
ENTRYPOINT ["realage", "serve", "--model", "/model/age.onnx", "--host", "0.0.0.0"]
