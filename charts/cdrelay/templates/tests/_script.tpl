{{- define "cdrelay.test.labels" -}}
app.kubernetes.io/name: {{ include "cdrelay.name" . }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "cdrelay.test.url" -}}
{{- printf "%s://%s.%s.svc:%d%s" (include "cdrelay.scheme" .root) (include "cdrelay.fullname" .root) .root.Release.Namespace (int .root.Values.service.port) (include "cdrelay.sourcePath" .source) }}
{{- end }}

{{/* What the test runs, in a plain shell with curl. */}}
{{- define "cdrelay.test.script" -}}
{{- range .door.take }}
{{- . }}
{{ end -}}
# The Service may need a moment. The certificate is for the platform's name, not for
# the Service's.
set -- --silent --show-error --insecure --max-time 10 --retry 5 --retry-delay 2 --retry-connrefused
{{- range chunk 2 .door.args }}
set -- "$@" {{ first . }} "{{ last . }}"
{{- end }}
{{- if .door.digest }}
signed="accessKey=$KEY&action=callback&bizType=8&ts=$(date +%s)000"
sign=$(printf '%s&body=%s&accessSecret=%s' "$signed" "$BODY" "$SECRET" | md5sum | cut -d ' ' -f 1)
set -- "$@" --header "accessKey: $KEY" --header 'action: callback' --header 'bizType: 8'
set -- "$@" --header "ts: ${signed##*=}" --header "sign: $sign"
{{- end }}
answer=$(curl "$@" --header 'Content-Type: application/json' --data "$BODY" --write-out '\n%{http_code}' "$URL")
printf '%s\n' "$answer"
case "${answer##*
}" in
{{ include "cdrelay.test.expected" . }}) ;;
*) echo 'wanted {{ include "cdrelay.test.expected" . | replace "|" " or " }}' >&2; exit 1 ;;
esac
{{- end }}
