{{/* The callback that NOTES.txt and `helm test` send: a source, how its door is opened,
     and what may be answered. */}}

{{/* The source to post to, as JSON; {} where there is none. */}}
{{- define "cdrelay.test.source" -}}
{{- $found := dict }}
{{- range .Values.config.sources }}
{{- if and (not $found) (or (not $.Values.test.source) (eq .name $.Values.test.source)) }}
{{- $found = . }}
{{- end }}
{{- end }}
{{- toJson $found }}
{{- end }}

{{/* The least that each format reads. Call it with the format. */}}
{{- define "cdrelay.test.body" -}}
{{- if eq . "infin8linx" -}}
{"companycode":"helm-test","id":1,"callmethod":2,"destnumber":"85235757581"}
{{- else -}}
{"callId":"helm-test","direction":1,"caller":"100","callee":"85235757581"}
{{- end }}
{{- end }}

{{/* Environment entries, as {"items": […]}, that hold one secret of the configuration:
     nothing but this secret is shown to the test. It may be in any of the Secrets, and
     the one that has it sets its variable. None where the chart cannot know it.
     Call it with a dict: root, name of the variable, value of the secret. */}}
{{- define "cdrelay.test.secret" -}}
{{- $items := list }}
{{- $value := .value }}
{{- if kindIs "slice" $value }}
{{- $value = first $value }}
{{- end }}
{{- if not (kindIs "map" $value) }}
{{- $items = append $items (dict "name" .name "value" (toString $value)) }}
{{- else if $value.env }}
{{- $name := .name }}
{{- $secrets := .root.Values.secrets.env }}
{{- range $i, $secret := $secrets }}
{{- $items = append $items (dict "name" (ternary $name (printf "%s_%d" $name $i) (eq (len $secrets) 1)) "valueFrom" (dict "secretKeyRef" (dict "name" $secret "key" $value.env "optional" true))) }}
{{- end }}
{{- range .root.Values.extraEnv }}
{{- if eq .name $value.env }}
{{- $items = list (merge (dict "name" $name) .) }}
{{- end }}
{{- end }}
{{- else }}
{{- $parts := splitList "/" (trimPrefix "/secrets/" (toString $value.file)) }}
{{- if and (hasPrefix "/secrets/" (toString $value.file)) (eq (len $parts) 2) (has (first $parts) .root.Values.secrets.files) }}
{{- $items = append $items (dict "name" .name "valueFrom" (dict "secretKeyRef" (dict "name" (first $parts) "key" (last $parts)))) }}
{{- end }}
{{- end }}
{{- dict "items" $items | toJson }}
{{- end }}

{{/* The shell's line that takes a secret from whichever variable has it; the last Secret
     wins, as it does in the server. Call it with a dict: name, items. */}}
{{- define "cdrelay.test.take" -}}
{{- $name := .name }}
{{- $expression := "" }}
{{- range .items }}
{{- $expression = printf "${%s:-%s}" .name $expression }}
{{- end }}
{{- printf "%s=$(printf %%s \"%s\")" $name $expression }}
{{- end }}

{{/* How the door is opened, as JSON: "env" for the container, "take" for the shell,
     "args" for curl, "digest" where the body is signed, "open" whether it can be. */}}
{{- define "cdrelay.test.door" -}}
{{- $auth := default dict .source.auth }}
{{- $secrets := dict }}
{{- $args := list }}
{{- $public := "" }}
{{- with $auth.header }}
{{- $secrets = dict "SECRET" .value }}
{{- $public = .name }}
{{- $args = list "--header" "$NAME: $SECRET" }}
{{- end }}
{{- with $auth.query }}
{{- $secrets = dict "SECRET" .value }}
{{- $public = urlquery .name }}
{{- $args = list "--url-query" "$NAME=$SECRET" }}
{{- end }}
{{- with $auth.bearer }}
{{- $secrets = dict "SECRET" . }}
{{- $args = list "--header" "Authorization: Bearer $SECRET" }}
{{- end }}
{{- with $auth.basic }}
{{- $secrets = dict "SECRET" .password }}
{{- $public = .username }}
{{- $args = list "--user" "$NAME:$SECRET" }}
{{- end }}
{{- with $auth.digest }}
{{- $secrets = dict "KEY" .access_key "SECRET" .access_secret }}
{{- end }}
{{- $env := list }}
{{- if $public }}
{{- $env = append $env (dict "name" "NAME" "value" $public) }}
{{- end }}
{{- $take := list }}
{{- $known := true }}
{{- range $name, $value := $secrets }}
{{- $items := (include "cdrelay.test.secret" (dict "root" $.root "name" $name "value" $value) | fromJson).items }}
{{- $env = concat $env $items }}
{{- $take = append $take (include "cdrelay.test.take" (dict "name" $name "items" $items)) }}
{{- $known = and $known (gt (len $items) 0) }}
{{- end }}
{{- dict "env" $env "take" $take "args" $args "digest" (hasKey $auth "digest") "open" $known | toJson }}
{{- end }}

{{/* The statuses that are as they should be: 200, 401 where the chart does not know the
     secret, and 403 where the source names addresses, which may or may not be ours. */}}
{{- define "cdrelay.test.expected" -}}
{{- ternary "200" "401" .door.open }}
{{- if (default dict .source.auth).allow }}|403{{ end }}
{{- end }}
