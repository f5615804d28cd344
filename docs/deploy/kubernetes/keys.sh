#!/bin/sh
# Print the Secret and the ConfigMaps that the Deployment mounts, made from keys of zdev key. Run it again after you add or remove a key:
#   zdev key new orders --directory keys           the device's key, the same for every replica
#   zdev key new anna --directory anna && cp anna/anna.key clients/
#   docs/deploy/kubernetes/keys.sh | kubectl apply -n zdev -f -
set -eu
make="kubectl create --dry-run=client -o yaml"
$make secret generic zdev-key --from-file=keys/orders.key_secret
echo ---
$make configmap zdev-clients --from-file=clients
echo ---
$make configmap zdev-workers --from-file=workers
