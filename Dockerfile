# The image of cdrelay: one static binary and the CA certificates, nothing else.
#
#   docker build --build-arg VERSION=$(git describe --tags --always) -t cdrelay .
#   docker run -p 8080:8080 -v cdrelay:/data -v ./config:/etc/cdrelay:ro cdrelay

# Go cross-compiles, so the build runs on the builder's own platform.
FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
WORKDIR /src

# The modules are a layer of their own: a change of code does not fetch them anew.
COPY go.mod go.sum ./
RUN go mod download

COPY . .
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=devel
RUN CGO_ENABLED=0 GOOS=${TARGETOS} GOARCH=${TARGETARCH} \
    go build -trimpath -buildvcs=false \
      -ldflags "-s -w -X main.version=${VERSION}" \
      -o /image/cdrelay ./cmd/cdrelay
# An image from scratch has no folders; these two must be writable.
RUN mkdir -p /image/data /image/tmp

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /image/cdrelay /cdrelay
COPY --from=build --chown=65532:65532 /image/data /data
COPY --from=build --chown=65532:65532 /image/tmp /tmp

# By number: Kubernetes checks runAsNonRoot without a passwd file.
USER 65532:65532
# The spool; a volume that is new takes over the owner of this folder.
VOLUME ["/data"]
# Callbacks, and the private listener.
EXPOSE 8080 8081
ENTRYPOINT ["/cdrelay"]
CMD ["serve", "-c", "/etc/cdrelay/config.yaml"]
