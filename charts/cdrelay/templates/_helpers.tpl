{{/* The chart's name, as a label. */}}
{{- define "cdrelay.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" }}
{{- end }}

{{/* The name of all objects. 52 characters: a StatefulSet's pods and their
     controller-revision label must fit into 63. */}}
{{- define "cdrelay.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains (include "cdrelay.name" .) .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "cdrelay.name" .) | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "cdrelay.selectorLabels" -}}
app.kubernetes.io/name: {{ include "cdrelay.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "cdrelay.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "cdrelay.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "cdrelay.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "cdrelay.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "cdrelay.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{/* The port of a listen address such as ":8080". */}}
{{- define "cdrelay.port" -}}
{{- regexFind "[0-9]+$" . | required (printf "the listen address %q must end with a port" .) }}
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

{{/* How long the pod may take to stop: never less than the server may. */}}
{{- define "cdrelay.terminationGracePeriodSeconds" -}}
{{- $shutdown := default dict .Values.config.shutdown }}
{{- $delay := include "cdrelay.seconds" (default "0s" $shutdown.delay) | int }}
{{- $grace := include "cdrelay.seconds" (default "25s" $shutdown.grace) | int }}
{{- $need := add $delay $grace | int }}
{{- if kindIs "invalid" .Values.terminationGracePeriodSeconds }}
{{- add $need 10 }}
{{- else if le (int .Values.terminationGracePeriodSeconds) $need }}
{{- fail (printf "terminationGracePeriodSeconds must be above config.shutdown.delay + config.shutdown.grace, that is %d: attempts in flight would be killed" $need) }}
{{- else }}
{{- int .Values.terminationGracePeriodSeconds }}
{{- end }}
{{- end }}

{{/* What the schema cannot say. */}}
{{- define "cdrelay.validate" -}}
{{- if not (hasPrefix "/data/" .Values.config.spool.path) }}
{{- fail (printf "config.spool.path is %q: it must be below /data, where the volume is mounted" .Values.config.spool.path) }}
{{- end }}
{{- if not (or .Values.persistence.enabled .Values.persistence.iAcceptLoss) }}
{{- fail "persistence.enabled: false loses every waiting call when the pod goes away; if that is what you want, set persistence.iAcceptLoss: true" }}
{{- end }}
{{- if eq (include "cdrelay.port" .Values.config.listen) (include "cdrelay.port" .Values.config.admin.listen) }}
{{- fail "config.listen and config.admin.listen must have different ports" }}
{{- end }}
{{- end }}
