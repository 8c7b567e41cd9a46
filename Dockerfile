# The image of cdrelay: one static binary and the folder of its spool. The roots of
# certificates and the time zones are in the binary.
#
#   make image                  builds it with docker, for this machine
#   make image-oci              writes it for amd64 and arm64, with no container engine
#   docker run -p 8080:8080 -v cdrelay:/data -v ./config:/etc/cdrelay:ro cdrelay
#
# make image-oci reads the last stage of this file, so both ways give one image; it
# knows the instructions and the two files that stand here, and refuses others.

# The version of Go decides the bytes of the binary; make image gives its own.
ARG GO_VERSION=1.26
# Go cross-compiles, so the build runs on the builder's own platform.
FROM --platform=$BUILDPLATFORM golang:${GO_VERSION}-bookworm AS build
WORKDIR /src

# The modules are a layer of their own: a change of code does not fetch them anew.
COPY go.mod go.sum ./
RUN go mod download

COPY . .
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=devel
# By the Makefile, so that its flags are the only ones.
RUN GOOS=${TARGETOS} GOARCH=${TARGETARCH} make build VERSION=${VERSION} OUT=/image/cdrelay
# An image from scratch has no folders; this one must be writable.
RUN install -d -m 0700 /image/data

FROM scratch
ARG VERSION=devel
ARG REVISION=unknown
LABEL org.opencontainers.image.title="cdrelay" \
      org.opencontainers.image.description="Receives call-record callbacks, keeps them durably and delivers them to CRMs, Slack and any HTTP endpoint" \
      org.opencontainers.image.source="https://github.com/cdrelay/cdrelay" \
      org.opencontainers.image.documentation="https://github.com/cdrelay/cdrelay/tree/main/docs" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# Root's, so that the server cannot change itself.
COPY --from=build /image/cdrelay /cdrelay
COPY --from=build --chown=65532:65532 /image/data /data

# The root file system may be read-only: SQLite sorts what is large in a temporary
# file, and the demo has a spool of its own; both go where the spool is.
ENV TMPDIR=/data
# By number: Kubernetes checks runAsNonRoot without a passwd file.
USER 65532:65532
# The spool; a volume that is new takes over the owner of this folder.
VOLUME ["/data"]
# Callbacks, and the private listener.
EXPOSE 8080 8081
ENTRYPOINT ["/cdrelay"]
CMD ["serve", "-c", "/etc/cdrelay/config.yaml"]
