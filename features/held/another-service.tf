# The infrastructure of another service, in the folder in which the operator happens to stand. That it was applied is all that it shows.
resource "terraform_data" "another_service" {
  provisioner "local-exec" {
    command = "echo the infrastructure of another service is made"
  }
}
