{{/* What the schema cannot say: values that are well formed each and make no sense
     together. Each refusal says what would happen and what to do. */}}

{{- define "cdrelay.validate" -}}
{{- include "cdrelay.validatePersistence" . }}
{{- include "cdrelay.validateSize" . }}
{{- include "cdrelay.validateApp" . }}
{{- include "cdrelay.validateAccess" . }}
{{- include "cdrelay.validateOperation" . }}
{{- include "cdrelay.validateBodies" . }}
{{- end }}

{{- define "cdrelay.validatePersistence" -}}
{{- $path := .Values.config.spool.path }}
{{- if or (not (hasPrefix "/data/" $path)) (contains ".." $path) }}
{{- fail (printf "config.spool.path is %q: it must be below /data, where the volume is mounted" $path) }}
{{- end }}
{{- $persistence := .Values.persistence }}
{{- if and $persistence.existingClaim (not $persistence.enabled) }}
{{- fail "persistence.existingClaim has no effect with persistence.enabled: false: set one of the two" }}
{{- end }}
{{- if not (or $persistence.enabled $persistence.iAcceptLoss) }}
{{- fail "persistence.enabled: false loses every waiting call when the pod goes away; if that is what you want, set persistence.iAcceptLoss: true" }}
{{- end }}
{{- if and $persistence.existingClaim (gt (int .Values.replicas) 1) }}
{{- fail (printf "persistence.existingClaim is one volume, and replicas is %d: each pod needs a spool of its own; leave existingClaim out, or set replicas: 1" (int .Values.replicas)) }}
{{- end }}
{{- end }}

{{/* A spool that may outgrow its volume fills the disk instead of dropping history; on
     an emptyDir the kubelet evicts the pod. The size of an existing claim is unknown. */}}
{{- define "cdrelay.validateSize" -}}
{{- if not .Values.persistence.existingClaim }}
{{- $max := default "4GiB" .Values.config.spool.max_bytes }}
{{- $spool := include "cdrelay.bytes" (dict "key" "config.spool.max_bytes" "value" $max) | float64 }}
{{- $volume := include "cdrelay.bytes" (dict "key" "persistence.size" "value" .Values.persistence.size) | float64 }}
{{- if gt $spool (mulf $volume 0.8) }}
{{- fail (printf "config.spool.max_bytes (%v) must be at most 80 %% of persistence.size (%v): the file system and a migration need the rest; make the volume larger or max_bytes smaller" $max .Values.persistence.size) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "cdrelay.validateApp" -}}
{{- $app := .Values.app }}
{{- if and $app.enabled .Values.library }}
{{- fail "app.enabled and library exclude each other: either this chart makes the pod, or the one around it" }}
{{- end }}
{{- if and $app.enabled (not $app.container.image) }}
{{- fail "app.enabled needs app.container.image: the container that cdrelay runs beside" }}
{{- end }}
{{- if and $app.container (not $app.enabled) }}
{{- fail "app.container has no effect without app.enabled: true" }}
{{- end }}
{{- if and $app.service.enabled (not (and $app.enabled $app.service.ports)) }}
{{- fail "app.service.enabled needs app.enabled: true and app.service.ports" }}
{{- end }}
{{- if has $app.container.name (list "cdrelay" "check-config") }}
{{- fail (printf "app.container.name: %s is the name of one of cdrelay's own containers: choose another" $app.container.name) }}
{{- end }}
{{- $own := list (include "cdrelay.port" .Values.config.listen) (include "cdrelay.port" .Values.config.admin.listen) }}
{{- range $app.container.ports }}
{{- if has (toString .containerPort) $own }}
{{- fail (printf "app.container.ports: %v is cdrelay's own (config.listen or config.admin.listen), and the containers of a pod share their ports: move one of them" .containerPort) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "cdrelay.validateAccess" -}}
{{- if eq (include "cdrelay.port" .Values.config.listen) (include "cdrelay.port" .Values.config.admin.listen) }}
{{- fail "config.listen and config.admin.listen must have different ports" }}
{{- end }}
{{- if and .Values.adminToken.secret .Values.config.admin.token }}
{{- fail "adminToken.secret and config.admin.token say the same thing twice: keep one" }}
{{- end }}
{{- $service := .Values.service }}
{{- if and (eq $service.type "ClusterIP") (or $service.externalTrafficPolicy (not (kindIs "invalid" $service.nodePort))) }}
{{- fail "service.externalTrafficPolicy and service.nodePort need service.type NodePort or LoadBalancer" }}
{{- end }}
{{- if and (ne $service.type "LoadBalancer") (or $service.loadBalancerClass $service.loadBalancerSourceRanges) }}
{{- fail "service.loadBalancerClass and service.loadBalancerSourceRanges need service.type: LoadBalancer" }}
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) }}
{{- fail "ingress.enabled needs a name in ingress.hosts" }}
{{- end }}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}
{{- fail "httpRoute.enabled needs a Gateway in httpRoute.parentRefs" }}
{{- end }}
{{- range $kind, $route := dict "ingress" .Values.ingress "httpRoute" .Values.httpRoute }}
{{- if and $route.enabled (not (or $route.paths $.Values.config.sources)) }}
{{- fail (printf "%s.enabled has no path to show: add config.sources or %s.paths" $kind $kind) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "cdrelay.validateOperation" -}}
{{- $budget := .Values.podDisruptionBudget }}
{{- if and $budget.enabled (not (kindIs "invalid" $budget.minAvailable)) }}
{{- $min := toString $budget.minAvailable }}
{{- if or (eq $min "100%") (and (not (hasSuffix "%" $min)) (not .Values.library) (ge (int $min) (int .Values.replicas))) }}
{{- fail (printf "podDisruptionBudget.minAvailable: %s of replicas: %d lets no pod go, so that no node could be drained: use maxUnavailable" $min (int .Values.replicas)) }}
{{- end }}
{{- end }}
{{- if and .Values.serviceMonitor.enabled .Values.podMonitor.enabled }}
{{- fail "serviceMonitor and podMonitor would scrape every pod twice, and rates would be double: enable one" }}
{{- end }}
{{- if .Values.test.source }}
{{- $names := list }}
{{- range .Values.config.sources }}
{{- $names = append $names .name }}
{{- end }}
{{- if not (has .Values.test.source $names) }}
{{- fail (printf "test.source: there is no %q in config.sources, but %s" .Values.test.source (join ", " $names)) }}
{{- end }}
{{- end }}
{{- end }}

{{/* Helm reads every number as floating point, and YAML 1.1: a long id would reach the
     CRM rounded, and a key `no` as "false". In a tree of the user's own the schema
     cannot tell what is meant as a text. */}}
{{- define "cdrelay.validateBodies" -}}
{{- include "cdrelay.validateTree" (dict "path" "config.tables" "value" .Values.config.tables) }}
{{- range $i, $sink := .Values.config.sinks }}
{{- range $place := list "webhook.body" "webhook.headers" "webhook.query" "slack.blocks" }}
{{- $kind := index (splitList "." $place) 0 }}
{{- $key := index (splitList "." $place) 1 }}
{{- include "cdrelay.validateTree" (dict "path" (printf "config.sinks[%d].%s" $i $place) "value" (get (default dict (get $sink $kind)) $key)) }}
{{- end }}
{{- end }}
{{- end }}

{{/* Call it with a dict: path and value. */}}
{{- define "cdrelay.validateTree" -}}
{{- $path := .path }}
{{- if kindIs "map" .value }}
{{- range $key, $value := .value }}
{{- if has $key (list "true" "false") }}
{{- fail (printf "%s has the key %s: Helm reads yes, no, on and off so; put quotes around the key" $path $key) }}
{{- end }}
{{- include "cdrelay.validateTree" (dict "path" (printf "%s.%s" $path $key) "value" $value) }}
{{- end }}
{{- else if kindIs "slice" .value }}
{{- range $i, $value := .value }}
{{- include "cdrelay.validateTree" (dict "path" (printf "%s[%d]" $path $i) "value" $value) }}
{{- end }}
{{- else if kindIs "float64" .value }}
{{- if or (gt .value 9007199254740991.0) (lt .value -9007199254740991.0) }}
{{- fail (printf "%s is a number of more than 15 digits, which Helm rounds to %.0f: put quotes around it" $path .value) }}
{{- end }}
{{- end }}
{{- end }}
