"""The Django project and the tenant: agencies, their people, and what keeps them apart."""
