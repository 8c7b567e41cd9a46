{{/* What the chart reads from cdrelay's configuration, and the configuration itself. */}}

{{/* The configuration as cdrelay reads it. */}}
{{- define "cdrelay.config" -}}
{{- $config := deepCopy .Values.config }}
{{- if .Values.adminToken.secret }}
{{- $_ := set $config.admin "token" (dict "env" "CDRELAY_ADMIN_TOKEN") }}
{{- end }}
{{- toYaml $config }}
{{- end }}

{{/* A hash over just those keys that a reload cannot change, with their defaults. */}}
{{- define "cdrelay.restartKeys" -}}
{{- $config := .Values.config }}
{{- $tls := default dict $config.tls }}
{{- list $config.listen $config.admin.listen $config.spool.path $tls.cert $tls.key (default "json" (default dict $config.log).format) | toJson | sha256sum | trunc 16 }}
{{- end }}

{{/* The port of a listen address such as ":8080". */}}
{{- define "cdrelay.port" -}}
{{- regexFind "[0-9]+$" . | required (printf "the listen address %q must end with a port" .) }}
{{- end }}

{{/* The path of a source. */}}
{{- define "cdrelay.sourcePath" -}}
{{- default (printf "/callbacks/%s" .name) .path }}
{{- end }}

{{/* {"paths": […]} for Ingress and HTTPRoute: those that are given, or exactly those
     of the sources. Call it with a dict: root and paths. */}}
{{- define "cdrelay.paths" -}}
{{- $paths := .paths }}
{{- if not $paths }}
{{- range .root.Values.config.sources }}
{{- $paths = append $paths (dict "path" (include "cdrelay.sourcePath" .) "pathType" "Exact") }}
{{- end }}
{{- end }}
{{- dict "paths" $paths | toJson }}
{{- end }}

{{/* The whole seconds, rounded up, of a Go duration such as "1m30s". */}}
{{- define "cdrelay.seconds" -}}
{{- $seconds := 0.0 }}
{{- range regexFindAll "[0-9.]+(ms|h|m|s)" (toString .) -1 }}
{{- $number := float64 (regexFind "^[0-9.]+" .) }}
{{- $unit := regexFind "[a-z]+$" . }}
{{- $seconds = addf $seconds (mulf $number (get (dict "h" 3600.0 "m" 60.0 "s" 1.0 "ms" 0.001) $unit)) }}
{{- end }}
{{- ceil $seconds | int }}
{{- end }}

{{/* The bytes of a size as Kubernetes ("8Gi") or cdrelay ("4GiB") writes it. Call it
     with a dict: value, and key for the message. */}}
{{- define "cdrelay.bytes" -}}
{{- $text := toString .value }}
{{- if kindIs "float64" .value }}
{{- $text = printf "%.0f" .value }}
{{- end }}
{{- $unit := regexReplaceAll "^[0-9.]+ *" $text "" | trimSuffix "B" | replace "K" "k" }}
{{- $factors := dict "" 1.0 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15 "ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 "Pi" 1125899906842624.0 }}
{{- if or (not (hasKey $factors $unit)) (not (regexMatch "^[0-9]" $text)) }}
{{- fail (printf "%s is %q: write a size such as %s" .key $text (ternary "4GiB" "8Gi" (hasPrefix "config." .key))) }}
{{- end }}
{{- mulf (float64 (regexFind "^[0-9.]+" $text)) (get $factors $unit) | floor | int64 }}
{{- end }}

{{/* How long the server itself may take to stop. */}}
{{- define "cdrelay.shutdownSeconds" -}}
{{- $shutdown := default dict .Values.config.shutdown }}
{{- $delay := include "cdrelay.seconds" (default "0s" $shutdown.delay) | int }}
{{- $grace := include "cdrelay.seconds" (default "25s" $shutdown.grace) | int }}
{{- add $delay $grace }}
{{- end }}

{{/* How long the pod may take to stop: never less than the server may. Beside an
     application the time runs from the pod's end, and cdrelay is told to stop only
     after the application has. */}}
{{- define "cdrelay.terminationGracePeriodSeconds" -}}
{{- $need := include "cdrelay.shutdownSeconds" . | int }}
{{- $sum := "config.shutdown.delay + config.shutdown.grace" }}
{{- if include "cdrelay.beside" . }}
{{- $need = add $need (int .Values.app.stopSeconds) }}
{{- $sum = printf "app.stopSeconds + %s" $sum }}
{{- end }}
{{- if kindIs "invalid" .Values.terminationGracePeriodSeconds }}
{{- add $need 10 }}
{{- else if le (int .Values.terminationGracePeriodSeconds) (int $need) }}
{{- fail (printf "terminationGracePeriodSeconds must be above %s, that is %d: attempts in flight would be killed" $sum (int $need)) }}
{{- else }}
{{- int .Values.terminationGracePeriodSeconds }}
{{- end }}
{{- end }}

{{/* "true" where cdrelay runs beside an application, here or in another chart. */}}
{{- define "cdrelay.beside" -}}
{{- if or .Values.app.enabled .Values.library }}true{{ end }}
{{- end }}

{{/* How callbacks come: by https where cdrelay has a certificate of its own. */}}
{{- define "cdrelay.scheme" -}}
{{- if .Values.config.tls }}https{{ else }}http{{ end }}
{{- end }}
