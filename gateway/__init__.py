"""The application: it joins the standards, the models and the outside."""
